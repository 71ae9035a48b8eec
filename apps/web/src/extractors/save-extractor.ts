import { useSignal } from '@preact/signals'
import type { createdExtractor } from '@sluice/contract/extractor'
import { html } from 'htm/preact'
import { ask, messageOf } from '../http.ts'
import { type ExtractorDraft, schemaIssueOf } from './extractor-draft.ts'
import { ExtractorForm, recipeOf } from './extractor-form.ts'

type Created = (typeof createdExtractor)['_output']

/** Writes and stores an extractor; what is wrong with its schema is shown at its place. */
export function SaveExtractor({
  draft,
  saved,
}: {
  draft: ExtractorDraft
  saved: (name: string, version: number) => void
}) {
  const problem = useSignal<string | null>(null)
  const save = async (): Promise<void> => {
    problem.value = null
    if (draft.schema.value === undefined) {
      problem.value = 'The schema is not valid JSON.'
      return
    }
    try {
      const body = { name: draft.name.value, ...recipeOf(draft) }
      const made = await ask<Created>('POST', '/v1/extractors', { body })
      saved(draft.name.value, made.version)
    } catch (error) {
      draft.issue.value = schemaIssueOf(error)
      problem.value = messageOf(error)
    }
  }
  return html`<form
    onSubmit=${(event: Event) => {
      event.preventDefault()
      void save()
    }}
  >
    <${ExtractorForm} draft=${draft} texts=${[]} />
    ${problem.value !== null && html`<p class="error-text" role="alert"><bdi>${problem.value}</bdi></p>`}
    <div class="actions">
      <button class="primary" disabled=${draft.name.value === ''}>Store</button>
      ${draft.name.value === '' && html`<small>It needs a name.</small>`}
    </div>
  </form>`
}
