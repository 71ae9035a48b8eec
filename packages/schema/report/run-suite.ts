import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkSchema } from '../src/check.ts'
import { createValidator } from '../src/validator.ts'

/** What became of one test. */
export interface SuiteTest {
  readonly file: string
  readonly name: string
  /** `named`: another verdict, and the door warns that a keyword or a format of the schema is not checked. */
  readonly outcome: 'right' | 'named' | 'wrong' | 'refused'
  /** Why the door refused the schema. */
  readonly reason?: string
}

interface Case {
  readonly description: string
  readonly schema: Record<string, unknown> | boolean
  readonly tests: readonly { readonly description: string; readonly data: unknown; readonly valid: boolean }[]
}

/** The suite that the package alterschema brings along, of 2023: on npm there is none that is newer and complete. */
export function vendoredSuite(): string {
  return fileURLToPath(new URL('vendor/json-schema-test-suite/', import.meta.resolve('alterschema/package.json')))
}

/** The name of the folder in the suite, and the dialect that its schemas are of where they name none. */
export const drafts = {
  draft4: 'http://json-schema.org/draft-04/schema#',
  draft6: 'http://json-schema.org/draft-06/schema#',
  draft7: 'http://json-schema.org/draft-07/schema#',
  'draft2019-09': 'https://json-schema.org/draft/2019-09/schema',
  'draft2020-12': 'https://json-schema.org/draft/2020-12/schema',
} as const

export type Part = 'required' | 'optional' | 'format'

/** Runs one part of JSON-Schema-Test-Suite: the door first, as for an extractor, then the validator. */
export function runSuite(suite: string, draft: keyof typeof drafts, part: Part): SuiteTest[] {
  const folder = join(suite, 'tests', draft, { required: '', optional: 'optional', format: 'optional/format' }[part])
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json') && statSync(join(folder, name)).isFile())
    .flatMap((name) => {
      const cases = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Case[]
      return cases.flatMap((one) => runCase(one, relative(suite, join(folder, name)), draft, part))
    })
}

function runCase(
  { description, schema, tests }: Case,
  file: string,
  draft: keyof typeof drafts,
  part: Part,
): SuiteTest[] {
  // A schema that is `true` or `false` is none that an extractor can have; the same inside `allOf` is.
  const object = typeof schema === 'boolean' ? { allOf: [schema] } : schema
  const named = { $schema: drafts[draft], ...object }
  const door = checkSchema(named)
  if (!door.ok) {
    const { message: reason } = door
    return tests.map((test) => ({ file, name: `${description}: ${test.description}`, outcome: 'refused', reason }))
  }
  // The required part takes `format` as an annotation; in Sluice it is always checked.
  const validator = createValidator(named, {
    formats: part === 'format' || file.endsWith('format-assertion.json') ? 'assert' : 'annotate',
  })
  const isNamed = door.warnings.some(({ message }) => message.includes('not checked'))
  return tests.map((test) => ({
    file,
    name: `${description}: ${test.description}`,
    outcome: validator.validate(test.data).valid === test.valid ? 'right' : isNamed ? 'named' : 'wrong',
  }))
}
