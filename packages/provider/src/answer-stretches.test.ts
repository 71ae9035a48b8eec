import { describe, expect, test } from 'vitest'
import { processorSlowdown } from '../../../test/support/processor-time.ts'
import { answerLimits } from './answer-limits.ts'
import { checkAnswer } from './check-answer.ts'

const schema = {
  type: 'object',
  properties: {
    items: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          id: { type: 'integer' },
          text: { type: 'string' },
          kind: { enum: ['a', 'b'] },
          tags: { type: 'array', items: { type: 'string' } },
        },
        required: ['id', 'text'],
      },
    },
  },
  required: ['items'],
}

const size = answerLimits.characters

/** A text of nearly the longest answer, out of pieces. */
function fill(make: (i: number) => string, length = size): string {
  const pieces: string[] = []
  for (let i = 0, sum = 200; sum < length; i += 1) {
    const piece = make(i)
    pieces.push(piece)
    sum += piece.length + 1
  }
  return pieces.join(',')
}
const list = (make: (i: number) => object) => `{"items":[${fill((i) => JSON.stringify(make(i)))}]}`
const right = list((i) => ({ id: i, text: 'x'.repeat(60), kind: 'a', tags: ['p', 'q'] }))
const small = list((i) => ({ id: i, text: '' }))

const answers: [string, string, 'valid' | 'invalid'][] = [
  ['a right answer', right, 'valid'],
  ['small objects', small, 'valid'],
  ['nulls for all optional properties', list((i) => ({ id: i, text: '', kind: null, tags: null })), 'valid'],
  ['wrong types everywhere', list((i) => ({ id: `x${i}`, text: 5 })), 'invalid'],
  ['a code fence', `\`\`\`json\n${right}\n\`\`\``, 'valid'],
  ['a trailing comma', right.replace(/\]\}$/, ',]}'), 'valid'],
  ['single quotes', right.replaceAll('"', "'"), 'valid'],
  ['curly quotes', `{“items”:[${fill((i) => `{“id”:${i},“text”:“a”}`)}]}`, 'valid'],
  ['an envelope', `{"answer":${right}}`, 'valid'],
  ['a list of one', `[${right}]`, 'valid'],
  ['a call with its arguments as text', JSON.stringify({ name: 'x', arguments: small.slice(0, 1_000_000) }), 'invalid'],
  ['an answer in a string', JSON.stringify(list((i) => ({ id: i, text: '' })).slice(0, 1_500_000)), 'invalid'],
  ['an object of many keys', `{${fill((i) => `"k${i}":1`)}}`, 'invalid'],
  ['one key many times', `{${fill(() => '"a":1')}}`, 'invalid'],
  ['deep lists', '['.repeat(size / 2) + ']'.repeat(size / 2), 'invalid'],
  ['open braces', '{'.repeat(size), 'invalid'],
  ['quotes', '"'.repeat(size), 'invalid'],
  ['backslashes in a string that does not end', `{"${'\\"'.repeat(size / 2 - 1)}`, 'invalid'],
  ['escapes in a long string', `{"items":[],"x":"${'\\n'.repeat(size / 2 - 20)}",}`, 'valid'],
  ['escapes in single quotes', `{"items":[],'x':'${'\\n'.repeat(size / 2 - 20)}'}`, 'valid'],
  ['comments', `{${'//x\n'.repeat(size / 4 - 1)}`, 'invalid'],
  ['think tags', '<think>'.repeat(size / 7), 'invalid'],
  ['quoted lines', '> {"a":1}\n'.repeat(size / 10), 'invalid'],
  ['many objects with a fault', '{"a":1 "b"} '.repeat(size / 12), 'invalid'],
  ['strings that hold JSON', '"{\\"'.repeat(size / 4), 'invalid'],
  ['a string of 8 million characters', JSON.stringify({ items: [], x: '"\n'.repeat(2_000_000) }), 'valid'],
  ['numbers', `{"items":[${fill(() => '1')}]}`, 'invalid'],
]

/** The longest processor time between two turns of the event loop while `work` goes on, in milliseconds. */
async function longestStretch(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let isDone = false
  let before = process.threadCpuUsage()
  const turn = () => {
    const { user, system } = process.threadCpuUsage(before)
    longest = Math.max(longest, (user + system) / 1_000)
    before = process.threadCpuUsage()
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  isDone = true
  await new Promise((resolve) => setImmediate(resolve))
  return longest
}

describe('the longest answer that is read blocks the event loop for less than 100 ms at a time:', () => {
  test.each(answers)('%s', async (_, answer, end) => {
    const check = async () => {
      const { type } = await checkAnswer(answer, schema, {
        form: { addedNulls: true, wrapped: false },
        refine: undefined,
      })
      expect(type).toBe(end)
    }
    // A worker has run the code before: the first run is interpreted.
    await check()
    let stretchMs = await longestStretch(check)
    let limitMs = 100 * processorSlowdown()
    // Garbage of the runs before may be collected in one of them.
    for (let run = 1; run < 3 && stretchMs >= limitMs; run += 1) {
      stretchMs = await longestStretch(check)
      limitMs = 100 * processorSlowdown()
    }
    expect(stretchMs).toBeLessThan(limitMs)
  })

  test.each([
    ['values', `[${'1,'.repeat(size)}1]`],
    ['text around JSON', `${'x'.repeat(size)}{"items":[]}`],
  ])('a longer one is not read: %s', async (_, answer) => {
    expect(await checkAnswer(answer, {}, { form: { addedNulls: false, wrapped: false }, refine: undefined })).toEqual({
      type: 'invalid',
      errors: ['the answer has more than 2,000,000 characters; answer with less'],
    })
  })
})
