import { expect, test } from 'vitest'
import { createWriteReplacer } from './replace-writes.ts'

const command = (...parts: string[]) =>
  `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`

test('writes are replaced by an error and reads pass, however the bytes are cut', () => {
  const sent = command('GET', 'ä') + command('set', 'key', 'a\r\nb') + command('PING') + command('EVALSHA', 'x', '0')
  const bytes = Buffer.from(sent)
  const refused = command('EVAL', 'return redis.error_reply(ARGV[1])', '0', 'OOM full')
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const replacer = createWriteReplacer()
    const passed = [bytes.subarray(0, cut), bytes.subarray(cut)].map((part) => replacer.take(part, 'OOM full'))
    expect(Buffer.concat(passed).toString()).toBe(command('GET', 'ä') + refused + command('PING') + refused)
  }
})

test('everything passes unchanged while no error is set', () => {
  const bytes = Buffer.from(command('SET', 'key', 'value') + command('MULTI'))
  expect(createWriteReplacer().take(bytes, null)).toEqual(bytes)
})
