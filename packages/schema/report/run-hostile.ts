import { checkSchema } from '../src/check.ts'
import { dropAddedNulls } from '../src/null-drop.ts'
import { toStrictSchema } from '../src/strict.ts'
import { compileSchema } from '../src/validator.ts'
import type { HostileCase } from './hostile-cases.ts'

export interface HostileResult {
  readonly end: HostileCase['end']
  /** Processor time of this thread, which other processes do not lengthen. */
  readonly doorMs: number
  /** The conversion to strict form. */
  readonly strictMs: number
  /** The removal of added nulls, and the validation. */
  readonly validateMs: number
}

let runs = 0

export function runHostile({ schema: written, answer }: HostileCase): HostileResult {
  // Another text each time: neither the door nor the compiler has it in a cache.
  runs += 1
  const schema = { ...written, $comment: `run ${runs}` }
  const door = measure(() => checkSchema(schema))
  if (!door.result.ok) return { end: 'refused', doorMs: door.ms, strictMs: 0, validateMs: 0 }
  const { result: validator, ms: compileMs } = measure(() => compileSchema(schema))
  const { ms: strictMs } = measure(() => toStrictSchema(schema))
  const value = answer()
  const { ms: dropMs } = measure(() => dropAddedNulls(schema, value))
  const { result: validation, ms } = measure(() => validator.validate(value))
  const times = { doorMs: Math.max(door.ms, compileMs), strictMs, validateMs: Math.max(dropMs, ms) }
  if (validation.valid) return { end: 'valid', ...times }
  return { end: validation.errors[0]?.includes('takes too long') ? 'too large' : 'invalid', ...times }
}

function measure<T>(work: () => T): { readonly result: T; readonly ms: number } {
  const before = process.threadCpuUsage()
  const result = work()
  const { user, system } = process.threadCpuUsage(before)
  return { result, ms: (user + system) / 1_000 }
}
