import { readdirSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// `pnpm bench <name> [options]` runs `bench/<name>/main.ts` in a separate process.
const here = fileURLToPath(new URL('.', import.meta.url))
const names = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
const [name, ...args] = process.argv.slice(2)

if (name === undefined || !names.includes(name)) {
  console.error(`Usage: pnpm bench <name> [options]\nNames: ${names.join(', ')}`)
  process.exit(name === undefined || name === '--help' ? 0 : 1)
}
const child = spawn(process.execPath, ['--expose-gc', `${here}/${name}/main.ts`, ...args], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('exit', (code) => process.exit(code ?? 1))
