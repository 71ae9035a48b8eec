import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { writeReport } from './write-report.ts'
import { vendoredSuite } from './run-suite.ts'

/** `pnpm schemas:report`: writes docs/reference/schemas.md. `--suite` names a checkout of JSON-Schema-Test-Suite, else the one of 2023 is taken. */
const { values } = parseArgs({ options: { suite: { type: 'string', default: vendoredSuite() } } })
writeFileSync(new URL('../../../docs/reference/schemas.md', import.meta.url), writeReport(values.suite))
