import { schemaLimits } from '../src/check.ts'
import { stepLimit } from '../src/budget.ts'
import { formatNames } from '../src/formats.ts'
import { hostileCases } from './hostile-cases.ts'
import { runHostile } from './run-hostile.ts'
import { drafts, type Part, runSuite, type SuiteTest } from './run-suite.ts'

/** The page docs/reference/schemas.md: rules in words, counts and times as measured by this run. */
export function writeReport(suite: string): string {
  const runs = (Object.keys(drafts) as (keyof typeof drafts)[]).flatMap((draft) =>
    (['required', 'optional', 'format'] as const).map((part) => ({ draft, part, tests: runSuite(suite, draft, part) })),
  )
  return `${[rules(), formats(), suiteTable(runs), refusals(runs.flatMap(({ tests }) => tests)), hostileTable()].join('\n\n')}\n`
}

function rules(): string {
  return `# Schemas

This page is made by \`pnpm schemas:report\`; do not edit it.

An extractor takes JSON Schema draft-04, draft-06, draft-07, 2019-09 and 2020-12, and schema objects of OpenAPI 3.0. \`$schema\` names the dialect.
Without it the dialect is 2020-12, unless the schema has keywords that only another dialect has: \`nullable: true\` or \`#/components/schemas/\` (OpenAPI 3.0),
a boolean \`exclusiveMinimum\` (draft-04), a list in \`items\`, \`additionalItems\` or \`dependencies\` (draft-07).

- The root may have any type: an object, a list, a union, a single value, a \`$ref\`.
- Every dialect becomes JSON Schema 2020-12 when it arrives, with references of the form \`#/...\` only. Local \`$anchor\`, nested \`$id\` and \`$dynamicRef\` with one target, or with an anchor in the outermost resource, are resolved. A root of which every keyword is unknown (the definition of a tool, an OpenAPI document, an example of the answer) is refused. Nothing is fetched. \`nullable: true\` beside \`allOf\`, \`anyOf\` or \`oneOf\` makes null valid (OpenAPI 3.0), with a warning.
- Before 2019-09, keywords beside \`$ref\` have no effect: the answer to \`POST /v1/extractors\` says so in \`warnings\`. The same goes for unknown keywords and formats, with the nearest known name.
- Patterns are ECMA-262 with the flag \`u\`, look-ahead and look-behind included, in time linear in the text. Back-references, modifiers and patterns of more than 10,000 states (50,000 in all of a schema) are refused. A pattern that is valid only without \`u\`, as \`[\\w-.]\`, is read without it; escapes of other languages, as \`\\A\`, are refused.
- \`format\` is always checked. Numbers that JSON.parse reads as infinite (\`1e400\`) are not valid anywhere.
- A schema that no value can match is refused.
- Limits: ${Object.entries(schemaLimits)
    .filter(([name]) => name !== 'warnings')
    .map(([name, value]) => `${value.toLocaleString('en')} ${limitNames[name as keyof typeof limitNames]}`)
    .join(', ')}.
- A check of an answer takes at most ${stepLimit.toLocaleString('en')} steps, and as many for its error lines. A step is one look at a value, a keyword or a state of a pattern. An answer has at most 2,000,000 characters outside of its strings. An answer that needs more steps fails with \`takes too long to check\`; it is a count, so it does not depend on the machine.`
}

const limitNames = {
  bytes: 'characters of JSON',
  levels: 'levels',
  values: 'values',
  subschemas: 'subschemas',
  patternStates: 'states of patterns',
  inPlace: 'schemas for one value by $ref, allOf, anyOf and oneOf',
}

function formats(): string {
  return `## Formats

Checked: ${formatNames()
    .map((name) => `\`${name}\``)
    .join(
      ', ',
    )} (\`float\`, \`double\`, \`binary\` and \`password\` have nothing to check). All others are named in \`warnings\`.`
}

interface Run {
  readonly draft: string
  readonly part: Part
  readonly tests: readonly SuiteTest[]
}

function suiteTable(runs: readonly Run[]): string {
  const rows = runs.map(({ draft, part, tests }) => {
    const count = (outcome: SuiteTest['outcome']) => tests.filter((test) => test.outcome === outcome).length
    return `| ${draft} | ${part} | ${tests.length} | ${count('right')} | ${count('refused')} | ${count('named')} | ${count('wrong')} |`
  })
  const wrong = runs.flatMap(({ tests }) => tests.filter(({ outcome }) => outcome === 'wrong'))
  return `## JSON-Schema-Test-Suite

Each schema goes through the door as an extractor's does, then each instance through the validator. \`refused\`: the door refuses the schema and says why.
\`named\`: the verdict differs, and the door warns that a keyword of the schema is not checked. In \`required\` and \`optional\`, \`format\` is an annotation, as the suite asks.

| draft | part | tests | right | refused | named | wrong |
|---|---|---|---|---|---|---|
${rows.join('\n')}

${wrong.length === 0 ? 'No verdict is wrong.' : `Wrong:\n\n${wrong.map(({ file, name }) => `- ${file}: ${name}`).join('\n')}`}`
}

function refusals(tests: readonly SuiteTest[]): string {
  const counts = new Map<string, number>()
  for (const { reason } of tests) {
    if (reason === undefined) continue
    const kind = reason.replaceAll(/'[^']*'/g, "'…'")
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const rows = [...counts].toSorted(([, a], [, b]) => b - a).map(([reason, count]) => `| ${reason} | ${count} |`)
  return `What the door refused in it:\n\n| reason | tests |\n|---|---|\n${rows.join('\n')}`
}

function hostileTable(): string {
  const rows = hostileCases.map((one) => {
    // The second run: a worker has run these paths before.
    runHostile(one)
    const { end, doorMs, strictMs, validateMs } = runHostile(one)
    return `| ${one.name.replaceAll('|', '\\|')} | ${end} | ${doorMs.toFixed(1)} | ${strictMs.toFixed(1)} | ${validateMs.toFixed(1)} |`
  })
  return `## Hostile schemas and answers

Processor time in milliseconds; each has to stay below 100 (\`packages/schema/src/hostile.test.ts\`). \`too large\`: the check ends at its limit of steps, and the item fails with that reason.

| case | end | door or compilation | strict form | answer |
|---|---|---|---|---|
${rows.join('\n')}`
}
