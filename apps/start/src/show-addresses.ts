import type { Screen } from '@sluice/terminal/screen'

/** The first thing to read: where to look. */
export function showPage(screen: Screen, url: string): void {
  screen.say('')
  screen.say(`  ${screen.bold('Open the page:')} ${url}`)
}

/** Prints the addresses, and a request that works when it is pasted. */
export function showAddresses(
  screen: Screen,
  { url, needsKey, lane, redis, logs }: { url: string; needsKey: boolean; lane: string; redis: string; logs: string },
): void {
  const rows = [
    ['Page', url],
    ['API', `${url}/v1`],
    ['Queues', `${url}/queues`],
    ['API docs', `${url}/docs`],
    ['Redis', redis],
    ['Logs', logs],
  ] as const
  screen.say('')
  for (const [name, place] of rows) screen.say(`  ${screen.bold(name.padEnd(9))} ${place}`)
  const key = needsKey ? ` -H "Authorization: Bearer $SLUICE_API_KEY"` : ''
  const body = {
    extractor: {
      schema: {
        type: 'object',
        properties: { name: { type: 'string' }, age: { type: 'integer' } },
        required: ['name', 'age'],
      },
      ...(lane === 'default' ? {} : { lane }),
    },
    text: 'Maria turned 34 last week.',
  }
  screen.say('')
  screen.say(`Try it${needsKey ? ' (SLUICE_API_KEY: one of your SLUICE_API_KEYS)' : ''}:`)
  screen.say('')
  screen.say(`  curl -s ${url}/v1/extract${key} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`)
  screen.say('')
  screen.say('Ctrl-C stops everything; unfinished batches resume at the next start.')
}
