import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { RequestError } from '../http.ts'
import { emptyField, type Field, fieldsOf, schemaOf } from './fields.ts'

/** What is wrong with a schema, and where: a line of the text, or a JSON pointer that the server named. */
export interface SchemaIssue {
  readonly message: string
  readonly pointer: string | null
}

/** An extractor while a person writes it. The text of the schema is the one truth; fields are another view of it. */
export interface ExtractorDraft {
  readonly name: Signal<string>
  readonly instructions: Signal<string>
  readonly lane: Signal<string>
  readonly schemaText: Signal<string>
  /** Undefined while the text is not JSON. */
  readonly schema: ReadonlySignal<Readonly<Record<string, unknown>> | undefined>
  /** Null where the schema says more than a table of fields can show. */
  readonly fields: ReadonlySignal<readonly Field[] | null>
  /** Sets the schema by its fields, also while some have no name yet. */
  readonly setFields: (fields: readonly Field[]) => void
  /** What the server said about the schema as it is now. */
  readonly issue: Signal<SchemaIssue | null>
  readonly isEmpty: ReadonlySignal<boolean>
}

const noSchema = JSON.stringify(schemaOf([]), null, 2)

export function createExtractorDraft(
  given: { name?: string; instructions?: string; lane?: string; schema?: unknown } = {},
): ExtractorDraft {
  const schemaText = signal(given.schema === undefined ? noSchema : JSON.stringify(given.schema, null, 2))
  const issue = signal<SchemaIssue | null>(null)
  /** Fields as they were typed, with those without a name; they count while the text is what they gave. */
  const typed = signal<{ readonly fields: readonly Field[]; readonly text: string } | null>({
    fields: [emptyField],
    text: noSchema,
  })
  const schema = computed(() => {
    try {
      const value = JSON.parse(schemaText.value) as unknown
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? (value as Readonly<Record<string, unknown>>)
        : undefined
    } catch {
      return undefined
    }
  })
  const fields = computed(() => {
    if (typed.value !== null && typed.value.text === schemaText.value) return typed.value.fields
    return fieldsOf(schema.value)
  })
  return {
    name: signal(given.name ?? ''),
    instructions: signal(given.instructions ?? ''),
    lane: signal(given.lane ?? ''),
    schemaText,
    schema,
    fields,
    setFields(next) {
      const text = JSON.stringify(schemaOf(next), null, 2)
      typed.value = { fields: next, text }
      schemaText.value = text
    },
    issue,
    isEmpty: computed(() => {
      const properties = schema.value?.['properties']
      return (
        schemaText.value.trim() === '' || (typeof properties === 'object' && Object.keys(properties ?? {}).length === 0)
      )
    }),
  }
}

/** What a rejected request says about the schema; null when it is about something else. */
export function schemaIssueOf(error: unknown): SchemaIssue | null {
  if (!(error instanceof RequestError) || error.param === null) return null
  const [, pointer] = /^(?:extractor\.)?schema(?:#(.*))?$/s.exec(error.param) ?? []
  if (!/^(?:extractor\.)?schema/.test(error.param)) return null
  return { message: error.message, pointer: pointer ?? '' }
}
