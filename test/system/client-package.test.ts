import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { people, startSystem } from '../support/system.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const execute = promisify(execFile)

/** A folder of somebody who has installed the package and zod, and nothing else of ours. */
async function installed(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-client-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'node_modules/@sluice'), { recursive: true })
  await cp(join(root, 'packages/client/dist'), join(folder, 'node_modules/@sluice/client'), { recursive: true })
  await symlink(join(root, 'node_modules/zod'), join(folder, 'node_modules/zod'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  return folder
}

const program = `
import { createClient, ItemError, type BatchHandle } from '@sluice/client'
import { z } from 'zod'
const sluice = createClient({ baseUrl: process.argv[2]! })
const texts: string[] = JSON.parse(process.argv[3]!)
const people: { name: string; age: number }[] = await sluice.gather(texts, {
  schema: z.object({ name: z.string(), age: z.int() }),
  concurrency: 2,
})
const batch: BatchHandle<{ name: string }> = await sluice.submit(texts, {
  schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
})
const settled: ({ name: string } | ItemError)[] = await batch.gather({ returnExceptions: true })
// @ts-expect-error: there is no such field
people[0]?.nickname
console.log(JSON.stringify([people, settled]))
`

test('the package that is published is whole: checked, typed for those who have nothing of ours, and runs', async () => {
  const { stdout } = await execute(process.execPath, ['packages/client/build.ts'], { cwd: root })
  expect(stdout).toContain('checked by publint and are-the-types-wrong')
  const folder = await installed()
  await writeFile(join(folder, 'program.ts'), program)
  await writeFile(join(folder, 'process.d.ts'), 'declare const process: { readonly argv: string[] }')
  // As strict as it gets, and without Node's types: the package's own types are checked as well.
  for (const way of [{ module: 'nodenext' }, { module: 'esnext', moduleResolution: 'bundler' }]) {
    const compilerOptions = {
      ...way,
      target: 'es2022',
      lib: ['es2022', 'dom', 'dom.iterable', 'dom.asynciterable'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    }
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['program.ts', 'process.d.ts'] }),
    )
    await execute(join(root, 'node_modules/.bin/tsc'), ['-p', folder]).catch((error: { stdout: string }) => {
      throw new Error(`${JSON.stringify(way)}: ${error.stdout}`)
    })
  }

  const system = await startSystem()
  await system.worker()
  const ran = await execute(process.execPath, ['program.ts', system.url, JSON.stringify(people(3))], { cwd: folder })
  const [typed, settled] = JSON.parse(ran.stdout) as [{ age: number }[], unknown[]]
  expect(typed.map(({ age }) => age)).toEqual([20, 21, 22])
  expect(settled).toHaveLength(3)
})
