import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { ExtractorDraft } from './extractor-draft.ts'
import { suggestFields } from './suggest-schema.ts'

const shownTexts = 3

/** A person writes the answers for a few texts by hand; names, kinds and choices of the fields are derived from them. */
export function ExamplesEditor({
  draft,
  texts,
  done,
}: {
  draft: ExtractorDraft
  texts: readonly string[]
  done: () => void
}) {
  const columns = useSignal<readonly string[]>(['', '', ''])
  const rows = useSignal<readonly (readonly string[])[]>(Array.from({ length: shownTexts }, () => ['', '', '']))
  const shown = Math.max(shownTexts, rows.value.length)
  const set = (row: number, column: number, text: string) => {
    rows.value = rows.value.map((cells, at) =>
      at === row ? cells.map((cell, other) => (other === column ? text : cell)) : cells,
    )
  }
  const valueOf = (event: Event) => (event.target as HTMLInputElement).value
  const suggested = suggestFields(columns.value, rows.value)
  return html`<p class="quiet-text">
      Name the columns and write what you would answer for these texts. Leave a cell empty where a text does not say it.
    </p>
    <div class="scroll-x">
      <table class="grid-inputs">
        <thead>
          <tr>
            <th scope="col">Text</th>
            ${columns.value.map(
              (column, at) =>
                html`<th>
                  <input
                    aria-label=${`Name of column ${at + 1}`}
                    placeholder=${['name', 'amount', 'urgent'][at] ?? 'field'}
                    value=${column}
                    onInput=${(event: Event) => {
                      columns.value = columns.value.map((one, other) => (other === at ? valueOf(event) : one))
                    }}
                  />
                </th>`,
            )}
            <th>
              <button
                type="button"
                class="quiet"
                aria-label="Add a column"
                onClick=${() => {
                  columns.value = [...columns.value, '']
                  rows.value = rows.value.map((cells) => [...cells, ''])
                }}
              >
                +
              </button>
            </th>
          </tr>
        </thead>
        <tbody>
          ${Array.from(
            { length: shown },
            (_, row) =>
              html`<tr key=${row}>
                <td class="example-text"><span class="clip" dir="auto">${texts[row] ?? ''}</span></td>
                ${columns.value.map(
                  (_, column) =>
                    html`<td>
                      <input
                        aria-label=${`Answer ${row + 1}, column ${column + 1}`}
                        value=${rows.value[row]?.[column] ?? ''}
                        onInput=${(event: Event) => set(row, column, valueOf(event))}
                      />
                    </td>`,
                )}
                <td></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <div class="actions space">
      <button
        type="button"
        class="primary"
        disabled=${suggested.length === 0}
        onClick=${() => {
          draft.issue.value = null
          draft.setFields(suggested)
          done()
        }}
      >
        Use these fields
      </button>
      <button
        type="button"
        onClick=${() => {
          rows.value = [...rows.value, columns.value.map(() => '')]
        }}
      >
        Another row
      </button>
      <small>Separate the values of a list by semicolons.</small>
    </div>`
}
