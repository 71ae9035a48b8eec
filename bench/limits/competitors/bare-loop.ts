import { atOnce } from '../system.ts'
import { runInChild } from './in-child.ts'

/** As many loops as calls may be in flight. A call that fails after the SDK's two retries is lost. It cannot be configured with a limit. */
await runInChild({}, async ({ texts, ask }) => {
  let next = 0
  const loop = async () => {
    while (next < texts.length) await ask(next++).catch(() => {})
  }
  await Promise.all(Array.from({ length: atOnce }, loop))
})
