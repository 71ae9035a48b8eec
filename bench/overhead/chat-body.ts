export const schema = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
}

/** One call for a text, as every way sends it. */
export function chatBody(text: string) {
  return {
    model: 'simulator',
    messages: [
      { role: 'system' as const, content: 'Who wrote this?' },
      { role: 'user' as const, content: text },
    ],
    response_format: {
      type: 'json_schema' as const,
      json_schema: { name: 'person', strict: true, schema },
    },
  }
}
