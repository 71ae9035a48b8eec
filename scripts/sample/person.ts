/** The seven texts that the tutorials on asynchronous extraction use, and what they ask for. */
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

export const people = [
  'My name is John and I am 20 years old',
  'My name is Mary and I am 21 years old',
  'My name is Bob and I am 22 years old',
  'My name is Alice and I am 23 years old',
  'My name is Jane and I am 24 years old',
  'My name is Joe and I am 25 years old',
  'My name is Jill and I am 26 years old',
] as const
