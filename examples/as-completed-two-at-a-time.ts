import { sluice } from './connect.ts'
import { Person, texts } from './people.ts'

// sem = asyncio.Semaphore(2), taken around each call of an as_completed.
for await (const { index, value } of sluice.asCompleted(texts, { schema: Person, concurrency: 2 }))
  console.log(index, value)
