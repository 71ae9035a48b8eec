import { sluice } from './connect.ts'
import { Person, texts } from './people.ts'

// for person in asyncio.as_completed([extract_person(text) for text in dataset]): await person
for await (const { index, value } of sluice.asCompleted(texts, { schema: Person })) console.log(index, value)
