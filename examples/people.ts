import { z } from 'zod'

/** The seven texts of the tutorials on asynchronous extraction, and the schema of the answers. */
export const texts = [
  'My name is John and I am 20 years old',
  'My name is Mary and I am 21 years old',
  'My name is Bob and I am 22 years old',
  'My name is Alice and I am 23 years old',
  'My name is Jane and I am 24 years old',
  'My name is Joe and I am 25 years old',
  'My name is Jill and I am 26 years old',
]

export const Person = z.object({ name: z.string(), age: z.int() })
