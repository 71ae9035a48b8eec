import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { hasDocker, run } from './docker.ts'

const root = resolve(import.meta.dirname, '../..')

/** As `pnpm start` runs it, until the sample results are shown; then once more, on the same data. */
const script = `
start() {
  node apps/start/src/main.ts >/tmp/log 2>&1 & pid=$!
  until grep -q 'Ctrl-C stops everything' /tmp/log; do kill -0 $pid || { cat /tmp/log; exit 1; }; sleep 0.2; done
  kill -INT $pid
  wait $pid; echo "exit $?"; cat /tmp/log
}
start
start
`

test.skipIf(!hasDocker)(
  'an ordinary user without Redis and Docker gets the package of Debian, once, and without root',
  async () => {
    const { stdout } = await run('docker', [
      'run',
      '--rm',
      '--user=node',
      // One by one: the folder of a clone may be closed to other users.
      ...['apps', 'packages', 'examples', 'node_modules', 'package.json'].map(
        (name) => `--volume=${root}/${name}:/app/${name}:ro`,
      ),
      '--workdir=/app',
      '--env=SLUICE_DATA_DIR=/tmp/sluice',
      'node:24-slim',
      'sh',
      '-c',
      script,
    ])
    expect(stdout.match(/^exit 0$/gm)).toHaveLength(2)
    expect(stdout.match(/Downloading Debian's package into .*, without installing it/g)).toHaveLength(1)
    expect(stdout.match(/Starting Redis \(Debian's redis-server \d/g)).toHaveLength(2)
    expect(stdout).toContain('7 of 7 succeeded')
  },
)
