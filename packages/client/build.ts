import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkPackage, Package } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'

/**
 * Builds `dist`, the folder that is published: the code in one file, its types in another, and a manifest whose only dependency is zod. Checks
 * it with publint and are-the-types-wrong. Exits with 1 if one of them finds a problem.
 */
const root = dirname(fileURLToPath(import.meta.url))
const workspace = join(root, '../..')
const dist = join(root, 'dist')

/** The only import that is not bundled. */
const outside = /^zod(\/|$)/
await rm(dist, { recursive: true, force: true })
const bundle = await rolldown({
  input: join(root, 'src/index.ts'),
  platform: 'neutral',
  external: outside,
  // The repository's own compiler generates the types of everything that the entry imports, here and in the contract.
  plugins: [
    dts({
      tsconfig: join(workspace, 'tsconfig.client.json'),
      tsgo: { path: join(workspace, 'node_modules/.bin/tsc') },
    }),
  ],
  transform: { target: 'es2022' },
  onLog(level, log) {
    if (level === 'warn') throw new Error(log.message)
  },
})
const { output } = await bundle.write({ dir: dist, format: 'esm', sourcemap: true })
const problems = output.flatMap((chunk) =>
  chunk.type === 'chunk'
    ? chunk.imports
        .filter((from) => !outside.test(from) && !output.some(({ fileName }) => fileName === from))
        .map((from) => `${chunk.fileName} imports ${from}`)
    : [],
)

type Manifest = Record<'name' | 'version' | 'description' | 'license', string> & { readonly keywords: string[] }
const source = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
const { name, version, description, keywords, license } = source
const manifest = {
  name,
  version,
  description,
  keywords,
  license,
  type: 'module',
  sideEffects: false,
  exports: { '.': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
  peerDependencies: { zod: '^4.0.0' },
  engines: { node: '>=20' },
}
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
copyFileSync(join(root, 'README.md'), join(dist, 'README.md'))
copyFileSync(join(workspace, 'LICENSE'), join(dist, 'LICENSE'))

const { messages, pkg } = await publint({ pkgDir: dist, pack: false, strict: true })
problems.push(...messages.map((message) => `publint: ${formatMessage(message, pkg) ?? message.code}`))

const files = Object.fromEntries(
  readdirSync(dist).map((file) => [`/node_modules/${name}/${file}`, readFileSync(join(dist, file), 'utf8')]),
)
const analysis = await checkPackage(new Package(files, name, version))
if (!analysis.types) problems.push('are-the-types-wrong: there are no types')
else {
  // The package has only ES modules, which Node 10 does not support, and which CommonJS loads by import().
  const left = analysis.problems.filter(
    (problem) => !('resolutionKind' in problem && ['node10', 'node16-cjs'].includes(problem.resolutionKind)),
  )
  problems.push(...left.map((problem) => `are-the-types-wrong: ${JSON.stringify(problem)}`))
}

const bytes = readFileSync(join(dist, 'index.js')).byteLength
console.log(
  `${name} ${version}: ${Math.round(bytes / 1024)} KB of code, checked by publint and are-the-types-wrong: ${dist}`,
)
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)
