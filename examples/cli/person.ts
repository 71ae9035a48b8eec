import { z } from 'zod'

/** What `sluice extract --schema` takes: a zod schema as the default export and, if wanted, in words what to extract. */
export const instructions = 'Extract the person that the text is about.'

export default z.object({
  name: z.string().describe("The person's name."),
  age: z.int().min(0).describe('Age in years.'),
})
