import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema } from '@sluice/contract/extractor'
import { createEffort, type Effort } from '@sluice/schema/budget'
import { dropAddedNulls } from '@sluice/schema/null-drop'
import { unwrap } from '@sluice/schema/strict'
import { compileSchema } from '@sluice/schema/validator'
import { insideEnvelopes, isSchemaItself } from './envelope.ts'
import { createPace, type Pace } from './pace.ts'
import { type AnswerValue, parseAnswer } from './parse-answer.ts'

/** Replaces the validation by the JSON Schema, for extractors written in code. Errors: one line each, path first. */
export type Refine = (data: unknown) => Promise<Refined>

type Refined =
  | { readonly type: 'valid'; readonly data: unknown }
  | { readonly type: 'invalid'; readonly errors: readonly string[] }
  /** The code itself failed. Asking the model again would not help. */
  | { readonly type: 'author-error'; readonly message: string }

export type CheckedAnswer =
  | { readonly type: 'valid'; readonly data: unknown; readonly repaired: boolean }
  | Exclude<Refined, { type: 'valid' }>

/** How the schema was sent, which decides how an answer is read. */
export interface SentForm {
  /** Strict mode requires every property and makes the optional ones nullable: nulls that mean "absent" come back. */
  readonly addedNulls: boolean
  /** The schema was sent as the property `value` of an object. */
  readonly wrapped: boolean
}

/**
 * The one value of an answer that is valid. An answer may hold several: a draft, an example, the same value twice. The one that is valid
 * counts, wherever it is; two different valid ones are refused, because it is not known which is meant.
 */
export async function checkAnswer(
  content: string,
  schema: JsonSchema,
  { form, refine }: { readonly form: SentForm; readonly refine: Refine | undefined },
): Promise<CheckedAnswer> {
  const pace = createPace()
  const { values, fault } = await parseAnswer(content, pace)
  await pace.afterLong(content)
  const effort = createEffort()
  const valid: { data: unknown; repaired: boolean }[] = []
  let invalid: { errors: readonly string[]; length: number } | null = null
  for (const found of values) {
    const checked = await checkFound(found, schema, {
      form,
      refine,
      effort,
      pace,
      pause: () => pace.afterLong(content),
    })
    // Each value may take some 100 ms; others' items run in between.
    if (values.length > 1) await setImmediate()
    if (checked.type === 'author-error') return checked
    if (checked.type === 'valid') {
      if (!valid.some(({ data }) => isDeepStrictEqual(data, checked.data)))
        valid.push({ data: checked.data, repaired: checked.repaired })
    } else if (invalid === null || found.length >= invalid.length)
      invalid = { errors: checked.errors, length: found.length }
  }
  const [first] = valid
  if (valid.length > 1)
    return { type: 'invalid', errors: ['the answer holds two different valid values; answer with one'] }
  if (first !== undefined) return { type: 'valid', ...first }
  // The largest value is the one that was meant as the answer.
  if (invalid !== null && invalid.length >= (fault?.length ?? 0)) return { type: 'invalid', errors: invalid.errors }
  return { type: 'invalid', errors: [fault?.message ?? 'there is no JSON in the answer; answer with one JSON object'] }
}

interface Checking {
  readonly form: SentForm
  readonly refine: Refine | undefined
  readonly effort: Effort
  readonly pace: Pace
  /** Lets other work go on between the steps of checking a long answer. */
  readonly pause: () => Promise<void>
}

/** A value of the answer, or else what is in the envelope around it. */
async function checkFound(
  { value, repaired }: AnswerValue,
  schema: JsonSchema,
  checking: Checking,
): Promise<CheckedAnswer> {
  if (isSchemaItself(value, schema))
    return { type: 'invalid', errors: ['/: is the schema itself; answer with data that is valid by it'] }
  const { pace } = checking
  const checked = await checkValue(value, schema, checking)
  if (checked.type === 'valid') return { ...checked, repaired }
  if (checked.type === 'author-error') return checked
  for (const inner of await insideEnvelopes(value, schema, pace)) {
    const inside = isSchemaItself(inner, schema) ? checked : await checkValue(inner, schema, checking)
    if (inside.type === 'valid') return { ...inside, repaired: true }
    if (inside.type === 'author-error') return inside
  }
  return checked
}

/** As it was sent, or as the author's schema says: without strict mode a model follows either. The first reading that is valid counts. */
async function checkValue(
  value: unknown,
  schema: JsonSchema,
  { form, refine, effort, pause }: Checking,
): Promise<Refined> {
  const inner = form.wrapped ? unwrap(value) : value
  let first: Refined | undefined
  try {
    for (const one of inner === value || form.addedNulls ? [inner] : [inner, value]) {
      const dropped = dropAddedNulls(schema, one)
      await pause()
      // Nulls that strict mode added are never meant; without it they are, where they are valid.
      for (const data of form.addedNulls || dropped === one ? [dropped] : [one, dropped]) {
        const checked = refine === undefined ? validate(schema, data, effort) : await refineSafely(refine, data)
        await pause()
        if (checked.type !== 'invalid') return checked
        // Without the nulls the errors name what is really wrong.
        if (first === undefined || (one === inner && data === dropped)) first = checked
      }
    }
    return first!
  } catch (error) {
    // Nested so deep that it exhausts the stack.
    if (error instanceof RangeError) return { type: 'invalid', errors: ['/: is nested too deep to be checked'] }
    throw error
  }
}

async function refineSafely(refine: Refine, data: unknown): Promise<Refined> {
  try {
    return await refine(data)
  } catch (error) {
    // Its words may quote the answer.
    const name = error instanceof Error ? error.name : typeof error
    return { type: 'author-error', message: `The check of the extractor's own code failed (${name}).` }
  }
}

function validate(schema: JsonSchema, data: unknown, effort: Effort): Refined {
  const validation = compileSchema(schema).validate(data, effort)
  return validation.valid ? { type: 'valid', data } : { type: 'invalid', errors: validation.errors }
}
