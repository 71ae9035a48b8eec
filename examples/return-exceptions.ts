import { ItemError } from '@sluice/client'
import { z } from 'zod'
import { sluice } from './connect.ts'

// await asyncio.gather(..., return_exceptions=True), where one raises ValueError(f"{name} is too long...")
const Name = z.object({ name: z.string().refine((name) => name.length <= 8, 'is too long...') })
const texts = ['My name is Mary.', 'My name is Bartholomew.', 'My name is Bob.']

for (const settled of await sluice.gather(texts, { schema: Name, returnExceptions: true })) {
  if (settled instanceof ItemError) console.log(`${settled.type}: ${settled.message}`)
  else console.log(settled.name)
}
