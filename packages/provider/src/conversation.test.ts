import type { Extractor } from '@sluice/contract/extractor'
import { expect, test } from 'vitest'
import { createConversation } from './conversation.ts'

const extractor: Extractor = {
  object: 'extractor',
  name: null,
  version: 0,
  schema: { type: 'object' },
  instructions: 'Who is it?',
  lane: 'default',
  parameters: {},
  reasks: 2,
  created_at: 0,
}

test('a part of a longer text is told as one, before the schema', () => {
  const request = { extractor, text: 'Ann is 31.', reasks: [] }
  const [whole] = createConversation(request, null)
  expect(whole!.content).toBe('Who is it?')
  const [part, user] = createConversation({ ...request, part: { index: 1, count: 3 } }, '{"type":"object"}')
  expect(part!.content).toMatch(/^Who is it\?\n\nThe text is part 2 of 3 [^]*JSON Schema[^]*\{"type":"object"\}$/)
  expect(user!.content).toBe('Ann is 31.')
})
