/** What the tutorials on asynchronous extraction ask of their seven texts. */
export const personExtractor = {
  name: 'person',
  instructions: 'Extract the person that the text is about.',
  schema: {
    type: 'object',
    properties: {
      name: { type: 'string', description: "The person's name." },
      age: { type: 'integer', minimum: 0, description: 'Age in years.' },
    },
    required: ['name', 'age'],
    additionalProperties: false,
  },
} as const
