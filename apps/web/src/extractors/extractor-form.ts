import { useSignal } from '@preact/signals'
import type { LaneList } from '@sluice/contract/lane-view'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { ask } from '../http.ts'
import { useLoaded } from '../loading.ts'
import { ExamplesEditor } from './examples-editor.ts'
import type { ExtractorDraft } from './extractor-draft.ts'
import { FieldsEditor } from './fields-editor.ts'
import { JsonEditor } from './json-editor.ts'

const ways = { fields: 'Fields', examples: 'From examples', json: 'JSON Schema' } as const
type Way = keyof typeof ways

/** Writes an extractor: what to extract, in words and as a schema. */
export function ExtractorForm({ draft, texts }: { draft: ExtractorDraft; texts: readonly string[] }) {
  const way = useSignal<Way>(draft.fields.peek() === null ? 'json' : 'fields')
  const lanes = useLoaded('lanes', (signal) => ask<LaneList>('GET', '/v1/lanes', { signal }))
  const names = lanes.data.value?.data.map(({ name }) => name) ?? []
  useEffect(() => {
    if (draft.lane.value === '' && names.length > 0)
      draft.lane.value = names.includes('default') ? 'default' : names[0]!
  }, [names.join()])
  return html`<label class="field">
      <span>What should be extracted, in words</span>
      <textarea
        rows="2"
        maxlength="65536"
        dir="auto"
        placeholder="Extract what a support desk needs to sort this message."
        value=${draft.instructions.value}
        onInput=${(event: Event) => (draft.instructions.value = (event.target as HTMLTextAreaElement).value)}
      ></textarea>
    </label>
    <div class="segments" role="group" aria-label="How to describe the answer">
      ${(Object.keys(ways) as Way[]).map(
        (one) =>
          html`<button type="button" aria-pressed=${way.value === one} onClick=${() => (way.value = one)}>
            ${ways[one]}
          </button>`,
      )}
    </div>
    ${way.value === 'fields' && html`<${FieldsEditor} draft=${draft} />`}
    ${
      way.value === 'examples' &&
      html`<${ExamplesEditor} draft=${draft} texts=${texts} done=${() => (way.value = 'fields')} />`
    }
    ${way.value === 'json' && html`<${JsonEditor} draft=${draft} />`}
    <div class="columns narrow">
      <label class="field">
        <span>Name, to use it again</span>
        <input
          maxlength="64"
          pattern="[A-Za-z0-9][A-Za-z0-9_\\-]{0,63}"
          placeholder="optional, such as support-ticket"
          value=${draft.name.value}
          onInput=${(event: Event) => (draft.name.value = (event.target as HTMLInputElement).value.trim())}
        />
      </label>
      ${
        names.length > 1 &&
        html`<label class="field">
          <span>Lane</span>
          <select
            value=${draft.lane.value}
            onChange=${(event: Event) => (draft.lane.value = (event.target as HTMLSelectElement).value)}
          >
            ${names.map((name) => html`<option value=${name}>${name}</option>`)}
          </select>
        </label>`
      }
    </div>`
}

/** As the API takes it, without a name. */
export function recipeOf(draft: ExtractorDraft): Record<string, unknown> {
  return {
    schema: draft.schema.value,
    instructions: draft.instructions.value,
    ...(draft.lane.value === '' ? {} : { lane: draft.lane.value }),
  }
}
