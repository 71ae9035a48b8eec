import { html } from 'htm/preact'
import type { ExtractorDraft } from './extractor-draft.ts'
import { emptyField, type Field, fieldTypes } from './fields.ts'

/** The schema as a table of fields, for people who do not know JSON Schema. */
export function FieldsEditor({ draft }: { draft: ExtractorDraft }) {
  const fields = draft.fields.value
  if (fields === null) {
    return html`<div class="notice" data-kind="warn">
      <span>This schema says more than a table of fields can show. Edit it as JSON Schema.</span>
    </div>`
  }
  const set = (next: readonly Field[]): void => {
    draft.issue.value = null
    draft.setFields(next)
  }
  const change = (at: number, changes: Partial<Field>) =>
    set(fields.map((field, other) => (other === at ? { ...field, ...changes } : field)))
  const valueOf = (event: Event) => (event.target as HTMLInputElement | HTMLSelectElement).value
  return html`<div class="scroll-x">
      <table class="grid-inputs">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Kind</th>
            <th scope="col">What it is</th>
            <th scope="col">May be missing</th>
            <th scope="col"><span class="visually-hidden">Remove</span></th>
          </tr>
        </thead>
        <tbody>
          ${fields.map(
            (field, at) =>
              html`<tr key=${at}>
                <td>
                  <input
                    aria-label=${`Name of field ${at + 1}`}
                    placeholder="such as amount"
                    maxlength="200"
                    value=${field.name}
                    onInput=${(event: Event) => change(at, { name: valueOf(event) })}
                  />
                </td>
                <td>
                  <select
                    aria-label=${`Kind of field ${at + 1}`}
                    value=${field.type}
                    onChange=${(event: Event) => change(at, { type: valueOf(event) as Field['type'] })}
                  >
                    ${Object.entries(fieldTypes).map(([type, text]) => html`<option value=${type}>${text}</option>`)}
                  </select>
                  ${
                    field.type === 'choice' &&
                    html`<input
                      aria-label=${`Choices of field ${at + 1}`}
                      placeholder="low, normal, high"
                      value=${field.choices.join(', ')}
                      onChange=${(event: Event) =>
                        change(at, {
                          choices: [
                            ...new Set(
                              valueOf(event)
                                .split(',')
                                .map((one) => one.trim()),
                            ),
                          ].filter((one) => one !== ''),
                        })}
                    />`
                  }
                </td>
                <td>
                  <input
                    aria-label=${`Description of field ${at + 1}`}
                    placeholder="for the model, in your words"
                    value=${field.description}
                    onInput=${(event: Event) => change(at, { description: valueOf(event) })}
                  />
                </td>
                <td>
                  <input
                    type="checkbox"
                    aria-label=${`Field ${at + 1} may be missing`}
                    checked=${!field.always}
                    onChange=${(event: Event) => change(at, { always: !(event.target as HTMLInputElement).checked })}
                  />
                </td>
                <td>
                  <button
                    type="button"
                    class="quiet"
                    aria-label=${`Remove field ${at + 1}`}
                    onClick=${() => set(fields.length === 1 ? [emptyField] : fields.filter((_, other) => other !== at))}
                  >
                    ✕
                  </button>
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p><button type="button" onClick=${() => set([...fields, emptyField])}>Add a field</button></p>
    ${draft.issue.value !== null && html`<p class="error-text" role="alert"><bdi>${draft.issue.value.message}</bdi></p>`}`
}
