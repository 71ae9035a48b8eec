import { expect, test } from 'vitest'
import { createSchemaFinder, textOf } from './conversation.ts'

const system = { role: 'system', content: 'Extract the person.' }

test('the text is the last user message that complains of no earlier answer', () => {
  const conversation = [
    system,
    { role: 'user', content: 'I am Ada.' },
    { role: 'assistant', content: '{"name":1}' },
    { role: 'user', content: 'Your answer is not valid. Errors found:\n/name must be string\n\nAnswer again.' },
    { role: 'assistant', content: '{' },
    { role: 'user', content: 'Validation Error found: fix the errors' },
  ]
  expect(textOf(conversation)).toBe('I am Ada.')
  expect(textOf([system, { role: 'user', content: 'This form is not valid.' }])).toBe('This form is not valid.')
})

test('a schema in the instructions is found behind other braces', () => {
  const schema = { type: 'object', properties: { name: { type: 'string', description: 'with a } and a "' } } }
  const content = `Fill in {placeholders}. Answer with JSON:\n${JSON.stringify(schema, null, 2)}\nNothing else.`
  const find = createSchemaFinder()
  expect(find([{ role: 'system', content }])).toEqual(schema)
  expect(find([system])).toBeNull()
})
