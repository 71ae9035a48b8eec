import { SchemaIssueError, shown } from './schema-issue.ts'
import { isNode, own, type SchemaNode } from './subschemas.ts'

/** A subschema as JSON pointers: into the schema that was given, and into the result. */
export interface Place {
  readonly from: string
  readonly to: string
}

/** The references of a schema that is being normalised: where a target goes is known only when everything is written. */
export interface Links {
  /** A reference to `target`; `connect` writes its pointer. Throws a SchemaIssueError if the target is not one schema of this document. */
  link(schema: SchemaNode, target: unknown, keyword: string, from: string): { $ref: string }
  /** What `made` gets for the link that was made last: a second reference of one schema goes into `allOf`. */
  chain(made: SchemaNode, reference: SchemaNode): SchemaNode
  /** Writes the pointers of all references. Targets in places that hold no schema in 2020-12 move to `$defs` of `result`. */
  connect(result: SchemaNode, schemaAt: (schema: unknown, place: Place) => unknown): void
}

/** `places`: where each schema went. */
export function createLinks(places: ReadonlyMap<unknown, string>): Links {
  const links: { readonly node: SchemaNode; readonly target: unknown; readonly from: string }[] = []

  return {
    link(schema, target, keyword, from) {
      const reference = String(schema[keyword])
      const at = `${from}/${keyword}`
      if (target === 'many')
        throw new SchemaIssueError(
          at,
          `${shown(reference)} has several possible targets, which is not supported; use $ref`,
        )
      if (!isNode(target) && typeof target !== 'boolean') {
        const message = reference.startsWith('#')
          ? `there is no schema at ${shown(reference)}`
          : `${shown(reference)} is not inside this schema; put it into $defs and write '#/$defs/name'`
        throw new SchemaIssueError(at, message)
      }
      const node = { $ref: '' }
      links.push({ node, target, from: at })
      return node
    },
    chain(made, reference) {
      if (!Object.hasOwn(made, '$ref')) {
        // The pointer is written later, into the schema itself.
        links.push({ ...links.pop()!, node: made })
        return reference
      }
      return { allOf: [...((made['allOf'] as unknown[] | undefined) ?? []), reference] }
    },
    connect(result, schemaAt) {
      // By index, because writing a definition may add links.
      for (let i = 0; i < links.length; i += 1) {
        const { node, target, from } = links[i]!
        const to = places.get(target) ?? addDefinition(result, (place) => schemaAt(target, { from, to: place }))
        node['$ref'] = `#${encodePointer(to)}`
      }
    },
  }
}

/** Adds a definition under a free name, and returns its pointer. */
function addDefinition(result: SchemaNode, write: (to: string) => unknown): string {
  const definitions = (own(result, '$defs') as SchemaNode | undefined) ?? {}
  result['$defs'] = definitions
  let number = Object.keys(definitions).length + 1
  while (Object.hasOwn(definitions, `schema${number}`)) number += 1
  const name = `schema${number}`
  // Taken before its content is written, which may add further definitions.
  definitions[name] = true
  definitions[name] = write(`/$defs/${name}`)
  return `/$defs/${name}`
}

/** A JSON pointer as the fragment of a URI: what has a meaning there is percent-encoded. */
function encodePointer(pointer: string): string {
  return pointer.isWellFormed() ? encodeURI(pointer).replaceAll('#', '%23').replaceAll('?', '%3F') : pointer
}
