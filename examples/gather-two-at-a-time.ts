import { sluice } from './connect.ts'
import { Person, texts } from './people.ts'

// sem = asyncio.Semaphore(2), taken around each call of a gather: here it holds across all workers.
const people = await sluice.gather(texts, { schema: Person, concurrency: 2 })
for (const person of people) console.log(person)
