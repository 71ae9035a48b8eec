import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Writes the software bill of materials (CycloneDX) of what runs in production to `<folder>/sbom.json`, and fails for a licence that is
 * not allowed or more packages than are recorded here. `pnpm audit` fails the step for a known weakness; a registry that offers no
 * audit is reported, and noted by an empty file `<skipped file>`, so that it is counted.
 */
const [folder = 'sbom', skippedFile] = process.argv.slice(2)

/** Allow use, change and distribution, with a notice at most. */
const allowed = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
])
/** With those of our own workspace. Raise it together with docs/operations/security.md, where the reason of each direct one is. */
const mostPackages = 180

interface Component {
  readonly name: string
  readonly version: string
  readonly licenses?: readonly { readonly license?: { readonly id?: string }; readonly expression?: string }[]
}

mkdirSync(folder, { recursive: true })
const file = join(folder, 'sbom.json')
pnpm('sbom', '--prod', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--out', file)
const { components } = JSON.parse(readFileSync(file, 'utf8')) as { components: readonly Component[] }

const problems: string[] = []
for (const { name, version, licenses = [] } of components) {
  const names = licenses.map(({ license, expression }) => license?.id ?? expression ?? 'unknown')
  if (names.length === 0 || !names.every((one) => allowed.has(one)))
    problems.push(`${name}@${version}: the licence ${names.join(', ') || 'unknown'} is not allowed`)
}
if (components.length > mostPackages)
  problems.push(`${components.length} packages, at most ${mostPackages} are recorded`)
console.log(
  `${components.length} packages in production, all with an allowed licence: ${problems.length === 0}; ${file}`,
)

const audit = tryPnpm('audit', '--prod', '--audit-level', 'moderate')
if (audit.ok) console.log('pnpm audit: no known weakness')
else if (
  /ERR_PNPM_AUDIT_BAD_RESPONSE|ERR_PNPM_AUDIT_ENDPOINT_NOT_EXISTS|ENOTFOUND|ECONNREFUSED|fetch failed/.test(
    audit.output,
  )
)
  skipAudit()
else problems.push(`pnpm audit:\n${audit.output}`)

function skipAudit(): void {
  console.log('pnpm audit: SKIPPED, this registry offers no audit')
  if (skippedFile !== undefined) writeFileSync(skippedFile, '')
}

for (const problem of problems) console.error(problem)
process.exit(problems.length === 0 ? 0 : 1)

function pnpm(...args: string[]): string {
  return execFileSync('npx', ['--yes', 'pnpm@12', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function tryPnpm(...args: string[]): { ok: boolean; output: string } {
  try {
    return { ok: true, output: pnpm(...args) }
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
    return { ok: false, output: `${stdout}${stderr}` || message }
  }
}
