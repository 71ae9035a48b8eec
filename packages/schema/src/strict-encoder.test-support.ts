import { Validator } from '@cfworker/json-schema'
import { isNode, type SchemaNode } from './subschemas.ts'

/**
 * What a model that is held to a strict schema writes for a value: null for each property that the value does not have. Knows nothing of the
 * schema that the strict one was made from. Of the forms of a union that an independent validator accepts, `choose` takes one.
 */
export function encodeStrict(
  root: SchemaNode,
  instance: unknown,
  choose: (count: number) => number = () => 0,
): unknown {
  const encode = (schema: unknown, value: unknown): unknown => {
    if (!isNode(schema)) return value
    if (typeof schema['$ref'] === 'string') return encode(resolve(root, schema['$ref']), value)
    if (Array.isArray(schema['anyOf'])) {
      const encoded = schema['anyOf'].map((form) => [form, encode(form, value)] as const)
      const valid = encoded.filter(([form, one]) => isValid(root, form, one))
      return (valid[choose(valid.length)] ?? encoded[0])![1]
    }
    if (Array.isArray(value)) return value.map((item) => encode(schema['items'], item))
    if (!isNode(value) || !isNode(schema['properties'])) return value
    const { properties } = schema
    const missing = Object.keys(properties).filter((name) => !Object.hasOwn(value, name))
    return {
      ...Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [
          name,
          encode(Object.hasOwn(properties, name) ? properties[name] : undefined, inner),
        ]),
      ),
      ...Object.fromEntries(missing.map((name) => [name, null])),
    }
  }
  return encode(root, instance)
}

/**
 * The way to write a value that `isMeant` takes, of 22. A value without properties may be written by several forms of a union: `{}` as
 * `{ "a": null }` where `a` is optional, and as `{ "b": null }` where `b` is required and may be null. Only a model knows which form it means.
 */
export function encodeMeant(root: SchemaNode, instance: unknown, isMeant: (sent: unknown) => boolean): unknown {
  const first = encodeStrict(root, instance)
  if (isMeant(first)) return first
  for (let seed = 0; seed <= 20; seed += 1) {
    let state = seed
    const sent = encodeStrict(root, instance, (count) => {
      if (seed === 0) return count - 1
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 16) % Math.max(1, count)
    })
    if (isMeant(sent)) return sent
  }
  return first
}

function isValid(root: SchemaNode, schema: unknown, value: unknown): boolean {
  // References lead to the root's definitions, and to the root itself by another name.
  const text = JSON.stringify(schema).replaceAll('"$ref":"#"', '"$ref":"#/$defs/__root"')
  const $defs = {
    ...(root['$defs'] as object | undefined),
    __root: JSON.parse(JSON.stringify({ ...root, $defs: undefined })) as unknown,
  }
  const whole = JSON.parse(JSON.stringify({ $defs }).replaceAll('"$ref":"#"', '"$ref":"#/$defs/__root"')) as object
  return new Validator({ ...(JSON.parse(text) as object), ...whole }, '2020-12').validate(value).valid
}

function resolve(root: SchemaNode, reference: string): unknown {
  if (reference === '#') return root
  return (root['$defs'] as SchemaNode)[reference.slice('#/$defs/'.length)]
}
