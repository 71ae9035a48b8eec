import { isObject } from './shape.ts'
import { type Given, type MakeWriter, write, type Writer } from './writer.ts'

export function createObjectWriter({ schema, words, nullable }: Given, make: MakeWriter): Writer {
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const required = new Set(Array.isArray(schema['required']) ? (schema['required'] as string[]) : [])
  const beyond = [...required]
    .filter((name) => !(name in properties))
    .map((name) => [name, schema['additionalProperties']])
  const parent = words.name === '' ? words.parent : words.name
  const writers = [...Object.entries(properties), ...(beyond as [string, unknown][])].map(
    ([name, inner]) => [name, make(inner, { name, parent }), required.has(name)] as const,
  )

  return {
    nullable,
    find(facts, effort) {
      const object: Record<string, unknown> = {}
      let found = 0
      for (const [name, writer, isRequired] of writers) {
        const sure = writer.find(facts, 'sure')
        if (sure !== undefined) {
          if (sure !== false) found += 1
          set(object, name, sure)
        } else if (isRequired) set(object, name, writer.nullable ? null : write(writer, facts))
        else if (writer.nullable) set(object, name, null)
      }
      return found > 0 || effort === 'guess' ? object : undefined
    },
    known: (facts) => writers.reduce((sum, [, writer]) => sum + writer.known(facts), 0),
    least() {
      const object: Record<string, unknown> = {}
      for (const [name, writer, isRequired] of writers) {
        if (isRequired) set(object, name, writer.nullable ? null : writer.least())
      }
      return object
    },
  }
}

/** Also for a property that is called `__proto__`. */
function set(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
  else object[name] = value
}
