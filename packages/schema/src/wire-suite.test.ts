import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@cfworker/json-schema'
import { expect, test } from 'vitest'
import { drafts, vendoredSuite } from '../report/run-suite.ts'
import { checkSchema } from './check.ts'
import { dropAddedNulls } from './null-drop.ts'
import { encodeStrict } from './strict-encoder.test-support.ts'
import { toStrictSchema, unwrap } from './strict.ts'

interface Case {
  readonly description: string
  readonly schema: Record<string, unknown> | boolean
  readonly tests: readonly { readonly description: string; readonly data: unknown; readonly valid: boolean }[]
}

/** Strict objects are closed: a property that an open object does not name cannot be sent. No other loss is accepted. */
const withUnnamedProperty =
  "dynamicRef.json: A $dynamicRef that initially resolves to a schema without a matching $dynamicAnchor behaves like a normal $ref to $anchor: The recursive part doesn't need to validate against the root"

test.each(Object.keys(drafts) as (keyof typeof drafts)[])(
  'JSON-Schema-Test-Suite %s: each valid value comes back from the wire, or its schema was sent loose with the reason',
  (draft) => {
    const folder = join(vendoredSuite(), 'tests', draft)
    const lost: string[] = []
    let strict = 0
    let loose = 0
    let values = 0
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
      for (const { description, schema, tests } of JSON.parse(readFileSync(join(folder, file), 'utf8')) as Case[]) {
        if (typeof schema === 'boolean') continue
        const named = { $schema: drafts[draft], ...schema }
        if (!checkSchema(named).ok) continue
        const made = toStrictSchema(named)
        if (!made.strict) {
          expect(made.reason).not.toBe('')
          loose += 1
          continue
        }
        strict += 1
        for (const { description: name, data, valid } of tests) {
          if (!valid) continue
          values += 1
          const sent = encodeStrict(made.schema, made.wrapped ? { value: data } : data)
          const back = dropAddedNulls(named, made.wrapped ? unwrap(sent) : sent)
          const isSendable = new Validator(made.schema, '2020-12').validate(sent).valid
          if (!isSendable || JSON.stringify(back) !== JSON.stringify(data))
            lost.push(`${file}: ${description}: ${name}`)
        }
      }
    }
    expect(lost.filter((name) => name !== withUnnamedProperty)).toEqual([])
    expect(strict).toBeGreaterThan(10)
    expect(loose).toBeGreaterThan(100)
    expect(values).toBeGreaterThan(15)
  },
)
