import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { variables } from '@sluice/config/environment'
import { errorBody } from '@sluice/contract/error'
import { failureType } from '@sluice/contract/result'
import { expect, test } from 'vitest'

// Documents go out of date in silence; what a program can check of them is checked here.
const root = join(import.meta.dirname, '..')
// `config-file-*`: folders that the tests of packages/config create and delete while this file runs.
const isGenerated = (path: string): boolean =>
  /(^|\/)(node_modules|dist|\.sluice|\.git|config-file-[^/]*)(\/|$)/.test(path)
const files = globSync(['**/*', '.ci/*'], { cwd: root, exclude: isGenerated })
const documents = files.filter((path) => path.endsWith('.md'))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const withoutCode = (text: string): string => text.replace(/^```.*?^```/gms, '')

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf(path: string): Set<string> {
  const headings = [...withoutCode(read(path)).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

function linksOf(path: string): string[] {
  const links = [...withoutCode(read(path)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
  return links.filter((link) => !/^[a-z]+:/.test(link))
}

function isBroken(from: string, link: string): boolean {
  const [target = '', anchor] = link.split('#')
  const path = target === '' ? from : join(dirname(from), target)
  if (!existsSync(join(root, path))) return true
  return anchor !== undefined && !anchorsOf(path).has(anchor)
}

test('every relative link in a document leads to a file and to a heading in it', () => {
  const broken = documents.flatMap((path) =>
    linksOf(path)
      .filter((link) => isBroken(path, link))
      .map((link) => `${path}: ${link}`),
  )
  expect(broken).toEqual([])
})

test('every document can be reached from README', () => {
  const reached = new Set(['README.md'])
  for (const path of reached) {
    for (const link of linksOf(path)) {
      const target = join(dirname(path), link.split('#')[0]!)
      if (target.endsWith('.md') && documents.includes(target)) reached.add(target)
    }
  }
  expect(documents.filter((path) => !reached.has(path))).toEqual([])
})

test('every source file that a document names exists', () => {
  const exists = (name: string): boolean => files.some((path) => path === name || path.endsWith(`/${name}`))
  const missing = documents.flatMap((path) =>
    [...withoutCode(read(path)).matchAll(/`((?:[\w@.-]+\/)+[\w.-]+\.(?:ts|lua|md|svg|json|yml))`/g)]
      .map(([, name]) => name!)
      .filter((name) => !exists(name))
      .map((name) => `${path}: ${name}`),
  )
  expect(missing).toEqual([])
})

test('README has at most 120 lines and begins with the quick start', () => {
  const lines = read('README.md').trimEnd().split('\n')
  expect(lines.length).toBeLessThanOrEqual(120)
  expect(lines.slice(0, 12)).toContain('npx -y pnpm@12 start')
})

test('ARCHITECTURE has at most 1,500 words', () => {
  expect(read('ARCHITECTURE.md').split(/\s+/).length).toBeLessThanOrEqual(1_500)
})

test('no document and no message uses npx without -y, which refuses where there is nobody to answer', () => {
  const spelling = ['npx', 'pnpm@12'].join(' ')
  const texts = files.filter((path) => /\.(md|ts|tsx|js|mjs|yml|yaml|json)$/.test(path) || path.startsWith('.ci/'))
  expect(texts.filter((path) => read(path).includes(spelling))).toEqual([])
})

test('the reference has every environment variable', () => {
  const reference = read('docs/reference/configuration.md')
  expect(Object.keys(variables).filter((name) => !reference.includes(`\`${name}\``))).toEqual([])
})

test('the reference has every type of error', () => {
  const reference = read('docs/reference/errors.md')
  const types = [...failureType.options, ...errorBody.shape.error.shape.type.options]
  expect(types.filter((type) => !reference.includes(`| \`${type}\` |`))).toEqual([])
})

test('every production dependency has its reason, and no reason is left for one that was removed', () => {
  const production = new Set(
    globSync(['package.json', '{apps,packages}/*/package.json'], { cwd: root }).flatMap((path) => {
      const { dependencies = {} } = JSON.parse(read(path)) as { dependencies?: Record<string, string> }
      return Object.keys(dependencies).filter((name) => !name.startsWith('@sluice/'))
    }),
  )
  const rows = read('docs/decisions/0034-dependencies.md').matchAll(/^\| (`[^|]*`) \|/gm)
  const explained = [...rows].flatMap(([, names]) => names!.split(', ').map((name) => name.slice(1, -1)))
  expect(explained.toSorted()).toEqual([...production].toSorted())
})

test('every decision is in the index', () => {
  const index = read('docs/decisions/README.md')
  const pages = globSync('docs/decisions/*.md', { cwd: root }).map((path) => basename(path))
  expect(pages.filter((page) => page !== 'README.md' && !index.includes(`(${page})`))).toEqual([])
})

test('CONTRIBUTING has every check and every suite', () => {
  const page = read('CONTRIBUTING.md')
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const checks = Object.keys(scripts).filter((name) => name.startsWith('check'))
  const suites = ['vitest.config.ts', 'vitest.slow.config.ts'].flatMap((path) =>
    [...read(path).matchAll(/\bname: '(\w+)'/g)].map(([, name]) => name!),
  )
  expect(suites).toContain('unit')
  expect(checks.filter((name) => !page.includes(`\`pnpm ${name}\``))).toEqual([])
  expect(suites.filter((name) => !page.includes(`\`${name}\``) && !page.includes(`--project ${name} `))).toEqual([])
})
