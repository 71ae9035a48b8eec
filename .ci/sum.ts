import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'

/** Adds up the files that .ci/run wrote: `<suite>.json` by vitest, `<step>.failed`, `<suite>.skipped`. The last line is the sum. */
interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
}

const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: sum.ts <folder>')
const files = readdirSync(directory)
const namesOf = (extension: string): string[] =>
  files.filter((file) => extname(file) === extension).map((file) => basename(file, extension))

const sum = { passed: 0, failed: 0, skipped: 0 }
const failedSteps = new Set(namesOf('.failed'))
for (const suite of namesOf('.json')) {
  const report = JSON.parse(readFileSync(join(directory, `${suite}.json`), 'utf8')) as VitestReport
  const skipped = report.numPendingTests + report.numTodoTests
  console.log(`${suite}: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped`)
  sum.passed += report.numPassedTests
  sum.failed += report.numFailedTests
  sum.skipped += skipped
  // Its failed tests are counted already.
  if (report.numFailedTests > 0) failedSteps.delete(suite)
  if (report.numPassedTests + report.numFailedTests === 0) {
    console.log(`${suite}: no test ran`)
    failedSteps.add(suite)
  }
}
for (const suite of namesOf('.skipped')) {
  console.log(`${suite}: skipped`)
  sum.skipped += 1
}
for (const step of failedSteps) console.log(`${step}: failed`)
sum.failed += failedSteps.size
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0
