import { countFolder } from './folder.ts'

/** `pnpm schemas:count FOLDER ...`: how many of the schemas in each folder an extractor accepts, and why not the others. */
const folders = process.argv.slice(2)
if (folders.length === 0) {
  console.error('Name one or more folders with JSON Schemas: pnpm schemas:count FOLDER ...')
  process.exit(2)
}
for (const folder of folders) {
  const { accepted, strict, refused, others, longestMs } = countFolder(folder)
  const all = accepted + [...refused.values()].reduce((sum, count) => sum + count, 0)
  const share = all === 0 ? 0 : (100 * accepted) / all
  console.log(`${folder}: ${accepted} of ${all} schemas accepted (${share.toFixed(1)} %), ${strict} of them strict`)
  console.log(`  ${others} other JSON files; longest check and conversion ${longestMs.toFixed(0)} ms`)
  for (const [reason, count] of [...refused].toSorted(([, a], [, b]) => b - a))
    console.log(`  ${count} refused: ${reason}`)
}
