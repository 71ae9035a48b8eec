import { html } from 'htm/preact'
import { describeSchema } from './describe-schema.ts'

/** A schema as people read it: one line a field. */
export function SchemaTable({ schema }: { schema: unknown }) {
  const { rows, more } = describeSchema(schema)
  if (rows.length === 0) return html`<p class="quiet-text">The schema names no fields.</p>`
  return html`<div class="scroll-x">
    <table class="schema-table">
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Kind</th>
          <th scope="col">What it is</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ path, kind, description, required }) =>
            html`<tr key=${path}>
              <td>
                <code><bdi>${path}</bdi></code
                >${!required && html`<small>may be left out</small>`}
              </td>
              <td><bdi>${kind}</bdi></td>
              <td><bdi>${description}</bdi></td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${more && html`<p class="quiet-text">The schema has more fields: see JSON Schema.</p>`}
  </div>`
}
