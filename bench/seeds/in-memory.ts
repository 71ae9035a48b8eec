import { OpenAI } from 'openai'
import PQueue from 'p-queue'
import { z } from 'zod'
import { Person } from '../../examples/people.ts'
import type { Way } from './way.ts'

/** The tutorials' programs, unchanged: in memory, in one process, with the SDK's defaults. */
export function inMemory(baseURL: string): Readonly<Record<string, Way>> {
  const openai = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 })
  const schema = z.toJSONSchema(Person)

  async function extractPerson(text: string): Promise<unknown> {
    const completion = await openai.chat.completions.create({
      model: 'simulator',
      messages: [{ role: 'user', content: text }],
      response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } },
    })
    return Person.parse(JSON.parse(completion.choices[0]?.message.content ?? ''))
  }

  /** The semaphore. */
  const atATime = (concurrency: number): ((text: string) => Promise<unknown>) => {
    const queue = new PQueue({ concurrency })
    return (text) => queue.add(() => extractPerson(text))
  }

  return {
    async *loop(texts) {
      for (const text of texts) yield await extractPerson(text)
    },
    async *gather(texts) {
      yield* await Promise.all(texts.map(extractPerson))
    },
    async *asCompleted(texts) {
      yield* asTheyComplete(texts.map(extractPerson))
    },
    async *gatherTwo(texts) {
      yield* await Promise.all(texts.map(atATime(2)))
    },
    async *asCompletedTwo(texts) {
      yield* asTheyComplete(texts.map(atATime(2)))
    },
  }
}

async function* asTheyComplete<T>(tasks: readonly Promise<T>[]): AsyncGenerator<T> {
  const pending = new Map(tasks.map((task, index) => [index, task.then((value) => ({ index, value }))]))
  while (pending.size > 0) {
    const { index, value } = await Promise.race(pending.values())
    pending.delete(index)
    yield value
  }
}
