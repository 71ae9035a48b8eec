import { sluice } from './connect.ts'
import { Person, texts } from './people.ts'

// all_persons = await asyncio.gather(*[extract_person(text) for text in dataset])
const people = await sluice.gather(texts, { schema: Person })
for (const person of people) console.log(person)
