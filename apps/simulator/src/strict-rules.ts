type Json = Record<string, unknown>

/** What strict mode refuses, as documented or reported (OpenAI, "Structured outputs", supported schemas). */
const unsupported = new Set([
  'allOf',
  'not',
  'oneOf',
  'if',
  'then',
  'else',
  'dependentRequired',
  'dependentSchemas',
  'patternProperties',
  'propertyNames',
  'unevaluatedProperties',
  'unevaluatedItems',
  'contains',
  'minContains',
  'maxContains',
  'uniqueItems',
  'prefixItems',
  'default',
  'minProperties',
  'maxProperties',
])
const formats = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'])
const mostLevels = 10
const mostProperties = 5_000

/** Why a schema may not be used with `strict: true`, or null. */
export function whyNotStrict(schema: unknown): string | null {
  if (!isObject(schema)) return 'schema must be an object'
  if (schema['type'] !== 'object')
    return `schema must be a JSON Schema of 'type: "object"', got 'type: ${JSON.stringify(schema['type'] ?? 'None')}'.`
  if ('anyOf' in schema) return "the root must not be an 'anyOf'"
  let properties = 0

  const look = (node: unknown, path: string, level: number): string | null => {
    if (!isObject(node)) return `${path}: schemas must be objects`
    if (level > mostLevels) return `${path}: more than ${mostLevels} levels of nesting`
    for (const key of Object.keys(node)) if (unsupported.has(key)) return `${path}: '${key}' is not permitted.`
    if (typeof node['format'] === 'string' && !formats.has(node['format']))
      return `${path}: format '${node['format']}' is not supported.`
    if (isObject(node['properties']) || node['type'] === 'object') {
      const own = Object.keys((node['properties'] as Json | undefined) ?? {})
      properties += own.length
      if (properties > mostProperties) return `more than ${mostProperties} properties`
      if (node['additionalProperties'] !== false)
        return `${path}: 'additionalProperties' is required to be supplied and to be false.`
      const required = Array.isArray(node['required']) ? node['required'] : []
      const missing = own.find((name) => !required.includes(name))
      if (missing !== undefined) {
        return `${path}: 'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`
      }
      for (const name of own) {
        const found = look((node['properties'] as Json)[name], `${path}.properties.${name}`, level + 1)
        if (found !== null) return found
      }
    }
    if (node['items'] !== undefined) {
      const found = look(node['items'], `${path}.items`, level + 1)
      if (found !== null) return found
    }
    for (const key of ['$defs', 'definitions'] as const) {
      for (const [name, definition] of Object.entries((node[key] as Json | undefined) ?? {})) {
        const found = look(definition, `${path}.${key}.${name}`, 1)
        if (found !== null) return found
      }
    }
    for (const [i, branch] of (Array.isArray(node['anyOf']) ? node['anyOf'] : []).entries()) {
      const found = look(branch, `${path}.anyOf.${i}`, level)
      if (found !== null) return found
    }
    return null
  }
  return look(schema, 'context=()', 1)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
