import { OpenAI } from 'openai'
import { texts } from '../texts.ts'
import { schema } from './schema.ts'

// The usual alternative: as many loops as calls may be in flight, with the SDK's defaults. In memory, in one process.
const [count, concurrency] = process.argv.slice(2).map(Number)
const client = new OpenAI({ maxRetries: 0 })
const input = texts(count!)
const results: unknown[] = []
let next = 0

const cpu = process.cpuUsage()
const began = performance.now()
await Promise.all(
  Array.from({ length: concurrency! }, async () => {
    while (next < input.length) {
      const index = next++
      const completion = await client.chat.completions.create({
        model: 'simulator',
        messages: [
          { role: 'system', content: 'Who wrote this?' },
          { role: 'user', content: input[index]! },
        ],
        response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } },
      })
      results[index] = JSON.parse(completion.choices[0]?.message.content ?? '')
    }
  }),
)
const seconds = (performance.now() - began) / 1_000
const { user, system } = process.cpuUsage(cpu)
console.log(JSON.stringify({ seconds, cpuUs: user + system, done: results.length }))
