import { batchOptions, liveOptions } from '@sluice/contract/batch'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { addBatchFlags, addLiveFlags, flagOf, toBatchOptions, toPatch } from './batch-flags.ts'

const typed = ['--concurrency', '4', '--priority', '20', '--max-cost', '2.50', '--deduplicate', '--cache', '0.5']

function parse(add: (command: Command) => Command, args: readonly string[]) {
  const command = add(new Command().exitOverride().configureOutput({ writeErr() {} }))
  return command.parse(args, { from: 'user' }).opts()
}

test('flags become the options of the API', () => {
  const flags = parse(addBatchFlags, [...typed, '--deadlines', '{"call_s":2}'])
  expect(toBatchOptions(flags)).toEqual({
    concurrency: 4,
    priority: 20,
    max_cost_usd: 2.5,
    deduplicate: true,
    cache_s: 0.5,
    deadlines: { call_s: 2 },
  })
  expect(toPatch(flags)).toEqual({ concurrency: 4, priority: 20, max_cost_usd: 2.5 })
})

test('a flag that was not given is not sent, whatever its default', () => {
  expect(toBatchOptions(parse(addBatchFlags, []))).toEqual({})
})

test('every option of the contract has a flag, except the metadata, which the CLI writes', () => {
  const flags = addBatchFlags(new Command()).options.map(({ long }) => long)
  const options = Object.keys(batchOptions.shape).filter((name) => name !== 'metadata')
  expect(flags).toEqual(options.map((name) => flagOf(name)))
  expect(addLiveFlags(new Command()).options.map(({ long }) => long)).toEqual(liveOptions.map((name) => flagOf(name)))
})

test.each([
  ['--concurrency', '0', /It must be a whole number from 1 to 100000/],
  ['--concurrency', '1.5', /It must be a whole number from 1 to 100000/],
  ['--max-cost', 'much', /It must be a number above 0 to 1000000/],
  ['--deadlines', '{', /This is not valid JSON/],
  ['--deadlines', '{"call_s":"2"}', /expected number/],
])('%s %s is rejected, and the message says what it must be', (flag, value, message) => {
  expect(() => parse(addBatchFlags, [flag, value])).toThrow(message)
})
