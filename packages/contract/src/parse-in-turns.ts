import { z } from 'zod'
import { parse } from './parse.ts'

/** Shorter lists are parsed at once: about 1 ms. */
const shortList = 200

/**
 * `parse` for a body with long lists, such as the items of a batch: 100,000 of them take half a second, so `turn` is called after
 * each element and may let other requests run. Throws at the first element that is not valid.
 */
export async function parseInTurns<T>(
  given: z.ZodType<T>,
  value: unknown,
  turn: () => Promise<void> | undefined,
): Promise<T> {
  const schema: z.ZodType = chosenBy(given, value)
  if (!(schema instanceof z.ZodObject) || value === null || typeof value !== 'object') return parse(given, value)
  const shape = schema.shape as Record<string, z.ZodType>
  const body = { ...value } as Record<string, unknown>
  const parsedLists: Record<string, z.ZodType> = {}
  for (const [name, list] of Object.entries(body)) {
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined
    if (!(field instanceof z.ZodArray) || !Array.isArray(list) || list.length <= shortList) continue
    const whole = z.array(z.unknown()).check(...((field.def.checks ?? []) as z.core.$ZodCheck<unknown[]>[]))
    // Its length first, so that a list that is too long is rejected without parsing its elements.
    parse(whole, list, [name])
    const elements: unknown[] = []
    for (const [index, element] of list.entries()) {
      elements.push(parse(field.element as z.ZodType, element, [name, index]))
      const others = turn()
      if (others !== undefined) await others
    }
    body[name] = elements
    parsedLists[name] = whole
  }
  return parse(schema.safeExtend(parsedLists) as unknown as z.ZodType<T>, body)
}

/** Of several kinds of body, the one that the value says it is. */
function chosenBy(schema: z.ZodType, value: unknown): z.ZodType {
  if (!(schema instanceof z.ZodDiscriminatedUnion) || value === null || typeof value !== 'object') return schema
  const { discriminator } = schema.def
  const kind = (value as Record<string, unknown>)[discriminator]
  const option = schema.options.find(
    (one): one is z.ZodObject =>
      one instanceof z.ZodObject &&
      Boolean((one.shape as Record<string, z.ZodType>)[discriminator]?.safeParse(kind).success),
  )
  return option ?? schema
}
