import { sluice } from './connect.ts'
import { Person, texts } from './people.ts'

// What the tutorials cannot do: the batch continues when this process ends. Run it twice: `node examples/submit-and-come-back.ts`
// submits and exits, `node examples/submit-and-come-back.ts <id>` reads the results.
const [id] = process.argv.slice(2)
if (id === undefined) {
  const batch = await sluice.submit(texts, { schema: Person })
  console.log(batch.id)
} else {
  const batch = sluice.batch(id, { schema: Person })
  for (const person of await batch.gather()) console.log(person)
}
