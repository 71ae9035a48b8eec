import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import { ExtractorForm } from '../extractors/extractor-form.ts'
import { TryIt } from '../extractors/try-it.ts'
import { ask } from '../http.ts'
import type { ExtractorList } from '../interface.ts'
import { useLoaded } from '../loading.ts'
import type { Draft } from './draft.ts'

/** What is extracted: a stored extractor, or one that is written here. */
export function ExtractorStep({ draft }: { draft: Draft }) {
  const trying = useSignal(false)
  const loaded = useLoaded('extractors', (signal) => ask<ExtractorList>('GET', '/v1/extractors?limit=100', { signal }))
  const extractors = loaded.data.value?.data ?? []
  const chosen = extractors.find(({ name }) => name === draft.stored.value)
  const texts = draft.firstItems.value.map(({ text }) => text)
  const choice = draft.extractorChoice.value
  return html`<section class="card">
    <h2><span class="step-number">2</span> What to extract</h2>
    ${
      extractors.length > 0 &&
      html`<label class="field">
        <span>Extractor</span>
        <select
          value=${draft.stored.value}
          onChange=${(event: Event) => (draft.stored.value = (event.target as HTMLSelectElement).value)}
        >
          <option value="">Write a new one</option>
          ${extractors.map(({ name, version }) => html`<option value=${name}>${name} (version ${version})</option>`)}
        </select>
      </label>`
    }
    ${draft.stored.value === '' && html`<${ExtractorForm} draft=${draft.extractor} texts=${texts} />`}
    ${
      chosen !== undefined &&
      html`${chosen.instructions !== '' && html`<p><bdi>${chosen.instructions}</bdi></p>`}
        <details>
          <summary>Schema</summary>
          <pre dir="auto" tabindex="0">${JSON.stringify(chosen.schema, null, 2)}</pre>
        </details>`
    }
    ${
      choice !== null &&
      html`<details
        class="space"
        open=${trying.value}
        onToggle=${(event: Event) => (trying.value = (event.target as HTMLDetailsElement).open)}
      >
        <summary>Try it on one text</summary>
        ${trying.value && html`<${TryIt} extractor=${choice} text=${texts[0] ?? ''} />`}
      </details>`
    }
  </section>`
}
