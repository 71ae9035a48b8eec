import { sluice } from './connect.ts'
import { Person, texts } from './people.ts'

// for text in dataset: person = await extract_person(text)
for await (const person of sluice.sequential(texts, { schema: Person })) console.log(person)
