import { atOnce } from '../system.ts'
import { runInChild } from './in-child.ts'

/** As many loops as calls may be in flight; what the SDK cannot mend with its two retries is lost. Nothing to tell a limit to. */
await runInChild({}, async ({ texts, ask }) => {
  let next = 0
  const loop = async () => {
    while (next < texts.length) await ask(next++).catch(() => {})
  }
  await Promise.all(Array.from({ length: atOnce }, loop))
})
