import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Script {
  /** In the item's text. */
  readonly match: string
  /** The model's answer: JSON text. */
  readonly answer: string
}

/** An OpenAI-compatible server that answers by what is in the text, so that a test can answer what no model would. */
export async function startScriptedProvider(scripts: readonly Script[]) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { messages } = JSON.parse(Buffer.concat(chunks).toString()) as { messages: { content: string }[] }
      const script = scripts.find(({ match }) => messages.some(({ content }) => content.includes(match)))
      const choice = {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: script?.answer ?? 'no script' },
      }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          id: 'scripted',
          object: 'chat.completion',
          choices: [choice],
          usage: { prompt_tokens: 10, completion_tokens: 10 },
        }),
      )
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
