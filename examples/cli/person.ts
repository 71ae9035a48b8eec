import { z } from 'zod'

/** A schema file for `sluice extract --schema`: a zod schema as the default export, and optionally instructions. */
export const instructions = 'Extract the person that the text is about.'

export default z.object({
  name: z.string().describe("The person's name."),
  age: z.int().min(0).describe('Age in years.'),
})
