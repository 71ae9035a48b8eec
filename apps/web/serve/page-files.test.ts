import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { libraries } from './libraries.ts'
import { readPageFiles, renderImportMap } from './page-files.ts'

const source = resolve(import.meta.dirname, '../src')

test('every module that the page imports is served, types removed, and nothing else', async () => {
  const { files, version } = await readPageFiles()
  expect(version).toMatch(/^[0-9a-f]{12}$/)
  const named = new Set(libraries.map(({ name }) => name))
  for (const [path, { body }] of files) {
    expect(path).not.toContain('.test.')
    const text = Buffer.from(body).toString()
    if (!path.startsWith('src/') || !path.endsWith('.ts')) continue
    expect(text).not.toMatch(/^(import type|export type|export interface|interface) /m)
    for (const [, wanted = ''] of text.matchAll(/(?:^(?:import|\}|export)[^'\n]* from |\bimport\()'([^']+)'/gm)) {
      const found = wanted.startsWith('.')
        ? files.has(new URL(wanted, `file:///${path}`).pathname.slice(1))
        : named.has(wanted)
      expect({ path, wanted, found }).toEqual({ path, wanted, found: true })
    }
  }
  for (const file of Object.values((JSON.parse(renderImportMap('')) as { imports: Record<string, string> }).imports))
    expect(files.has(file.slice(1))).toBe(true)
})

test('the page that loads first is below 100 KB on the wire', async () => {
  const { files } = await readPageFiles()
  const later = new Set(libraries.flatMap(({ file, more = [], load }) => (load === 'later' ? [file, ...more] : [])))
  const sent = [...files].filter(([path]) => !later.has(path.replace(/^lib\//, '')))
  expect(sent.reduce((sum, [, { gzip }]) => sum + gzip.length, 0)).toBeLessThan(100_000)
})

test('no text can become HTML: no module writes markup or runs text', () => {
  const names = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!\.test)\.ts$/.test(name),
  )
  expect(names.length).toBeGreaterThan(30)
  for (const name of names) {
    const text = readFileSync(resolve(source, name), 'utf8')
    expect({
      name,
      unsafe: /innerHTML|outerHTML|insertAdjacent|dangerously|document\.write|\beval\(|new Function|srcdoc/.exec(
        text,
      )?.[0],
    }).toEqual({ name })
  }
})
