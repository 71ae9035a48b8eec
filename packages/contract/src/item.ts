import { z } from 'zod'

export const maxTextLength = 4_000_000
/** Metadata is copied into each result. */
const maxMetadataLength = 16_384
export const metadata = z
  .record(z.string().max(256), z.unknown())
  .refine(
    (value) => JSON.stringify(value).length <= maxMetadataLength,
    `Metadata has at most ${maxMetadataLength.toLocaleString('en')} characters as JSON: keep larger data yourself, under the id of the item.`,
  )
  .describe(`Your own data, at most 16 KB; returned unchanged.`)

export const itemText = z
  .string()
  .min(1, 'A text must not be empty.')
  .max(maxTextLength, `A text has at most ${maxTextLength.toLocaleString('en')} characters.`)

/** One input: a text, or a text with an id (unique within its batch; default its index) and metadata. */
export const itemInput = z
  .union([
    itemText,
    z.strictObject({ id: z.string().min(1).max(256).optional(), text: itemText, metadata: metadata.optional() }),
  ])
  .meta({ id: 'ItemInput' })
export type ItemInput = z.infer<typeof itemInput>

export interface Item {
  readonly id: string
  readonly text: string
  readonly metadata?: Record<string, unknown>
  /** Why its document could not be read: the item fails with this error, without a call. */
  readonly failure?: { readonly type: 'unreadable' | 'too_large'; readonly message: string }
}

/** The item as it is stored; its default id is its index. */
export function toItem(input: ItemInput, index: number): Item {
  if (typeof input === 'string') return { id: String(index), text: input }
  const { id = String(index), text, metadata } = input
  return metadata === undefined ? { id, text } : { id, text, metadata }
}
