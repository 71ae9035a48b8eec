import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export const run = promisify(execFile)

export const hasDocker = await run('docker', ['compose', 'version'])
  .then(() => run('docker', ['info'], { timeout: 10_000 }))
  .then(
    () => true,
    (error: Error) => {
      console.error(`SKIPPED, the containers are not tested: ${error.message.split('\n')[0]}`)
      return false
    },
  )
