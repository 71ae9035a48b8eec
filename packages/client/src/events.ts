import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { ConnectionError } from './errors.ts'

/** The server sends a comment every 15 s. A connection without three of them is broken, whatever TCP reports. */
const silentMs = 45_000

/** The server-sent events of one response, until it is closed or breaks. `onContact` is called whenever data arrives. */
export async function* readEvents(response: Response, onContact: () => void): AsyncGenerator<EventSourceMessage> {
  if (response.body === null) return
  const events: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (event) => events.push(event) })
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await soon(reader.read())
      if (done) return
      onContact()
      parser.feed(decoder.decode(value, { stream: true }))
      yield* events.splice(0)
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

async function soon<T>(reading: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ConnectionError(`Nothing arrived for ${silentMs / 1_000} s.`)), silentMs)
  })
  try {
    return await Promise.race([reading, silence])
  } finally {
    clearTimeout(timer)
  }
}
