import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ExtractorDraft } from './extractor-draft.ts'
import { findPlace, type Place } from './find-place.ts'

/** The schema as text, with line numbers; what is wrong is shown at its line. */
export function JsonEditor({ draft }: { draft: ExtractorDraft }) {
  const text = draft.schemaText.value
  const issue = draft.issue.value
  const place = useSignal<Place | null>(null)
  const gutter = useRef<HTMLPreElement>(null)
  const area = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    const stop = new AbortController()
    const show = async (): Promise<void> => {
      const found = await findPlace(text, issue)
      if (!stop.signal.aborted) place.value = found
    }
    void show()
    return () => stop.abort()
  }, [text, issue])
  const wrong = place.value
  const lines = text.split('\n').length
  const show = (line: number): void => {
    const element = area.current!
    const start =
      text
        .split('\n')
        .slice(0, line - 1)
        .join('\n').length + (line > 1 ? 1 : 0)
    element.focus()
    element.setSelectionRange(start, text.indexOf('\n', start) < 0 ? text.length : text.indexOf('\n', start))
    element.scrollTop = Math.max(0, (element.scrollHeight / lines) * (line - 4))
  }
  return html`<div class="code-editor">
      <pre ref=${gutter} aria-hidden="true">
${Array.from({ length: lines }, (_, at) =>
  wrong?.line === at + 1 ? html`<b>${at + 1}</b>${'\n'}` : `${at + 1}\n`,
)}</pre>
      <textarea
        class="code"
        ref=${area}
        aria-label="JSON Schema"
        aria-invalid=${wrong !== null}
        aria-describedby="schema-problem"
        spellcheck=${false}
        autocapitalize="off"
        value=${text}
        onInput=${(event: Event) => {
          draft.issue.value = null
          draft.schemaText.value = (event.target as HTMLTextAreaElement).value
        }}
        onScroll=${() => {
          if (gutter.current !== null) gutter.current.scrollTop = area.current!.scrollTop
        }}
      ></textarea>
    </div>
    <p id="schema-problem" class="schema-problem" aria-live="polite">
      ${
        wrong === null
          ? html`<small>JSON Schema of any draft from 04 to 2020-12.</small>`
          : html`<button type="button" class="link" onClick=${() => show(wrong.line)}>Line ${wrong.line}</button>
              <span class="error-text"> <bdi>${wrong.message}</bdi></span>`
      }
    </p>`
}
