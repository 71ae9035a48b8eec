import { execFile } from 'node:child_process'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/**
 * Fills Node's cache of compiled modules (NODE_COMPILE_CACHE). It is written when a process ends by itself, and most tests kill theirs.
 * Without a Redis to use, API and worker load all modules and then exit with 1; that is expected.
 */
export default async function setup(): Promise<void> {
  await Promise.all(
    ['api', 'worker'].map(
      (app) =>
        new Promise<void>((done) => {
          const env = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }
          execFile(process.execPath, [`apps/${app}/src/main.ts`], { cwd: root, env, timeout: 60_000 }, () => done())
        }),
    ),
  )
}
