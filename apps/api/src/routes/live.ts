import type { Engine } from '@sluice/engine/engine'
import type { Handlers } from '../http/mount.ts'
import { leaving, streamEvents } from '../http/stream.ts'

export function liveRoutes({ live }: Pick<Engine, 'live'>, stopping: AbortSignal): Pick<Handlers, 'streamLive'> {
  return {
    async streamLive({ res, query }) {
      const signal = leaving(res, stopping)
      const events = await live.open(query.batch ?? null, { signal })
      await streamEvents(res, formatted(), signal)
      return 'written'

      async function* formatted() {
        for await (const { name, json } of events) yield `event: ${name}\ndata: ${json}\n\n`
      }
    },
  }
}
