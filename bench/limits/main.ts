import { parseArgs } from 'node:util'
import { type CaseName, caseNames, createCase } from './cases.ts'
import { createJob } from './create-job.ts'
import { type Measured, measure } from './measure.ts'
import { createProgress } from './progress.ts'
import { startProvider } from './provider.ts'
import { runMatrix } from './provider-matrix.ts'
import { type CaseResult, writeMatrix, writeReport } from './report.ts'
import type { Job } from './system.ts'
import { systems } from './systems.ts'
import { plainTable } from './table.ts'

/**
 * How much of a provider's limit is used, and how many calls it refuses. Sluice knows no limit; the alternatives are configured with it.
 * All run in turns against the same simulator, each in separate processes.
 */
const { values } = parseArgs({
  options: {
    /** One of the cases, or several; none: all. */
    case: { type: 'string', multiple: true },
    /** Part of a system's name; none: all. */
    system: { type: 'string', default: '' },
    seconds: { type: 'string', default: '60' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    /** Every kind of provider, in place of the cases; 20 s each, the median of so many. */
    providers: { type: 'boolean', default: false },
    repeats: { type: 'string', default: '1' },
    /** Part of a provider's name; none: all. */
    provider: { type: 'string', default: '' },
  },
})
const seconds = values.quick ? 10 : Number(values.seconds)
const chosen = systems.filter(({ name }) => name.toLowerCase().includes(values.system.toLowerCase()))
const names = (values.case ?? [...caseNames]).map((name) => {
  if (!caseNames.includes(name as CaseName)) refuse(`There is no case '${name}': there is ${caseNames.join(', ')}`)
  return name as CaseName
})
if (!(seconds >= 1)) refuse(`--seconds must be 1 or more; got '${values.seconds}'`)
if (chosen.length === 0)
  refuse(`There is no system '${values.system}': there is ${systems.map(({ name }) => name).join(', ')}`)

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stopping.abort(new Error(`Stopped by ${signal}.`)))
}
try {
  if (values.providers) {
    const options = {
      seconds: values.seconds === '60' ? 20 : seconds,
      repeats: Number(values.repeats),
      only: values.provider,
    }
    const table = await runMatrix(chosen, { ...options, signal: stopping.signal })
    if (values.write) await writeMatrix(table, process.argv.slice(2))
  } else {
    await runAll(stopping.signal)
  }
} catch (error) {
  if (!stopping.signal.aborted) throw error
  console.error((stopping.signal.reason as Error).message)
  process.exitCode = 130
}

async function runAll(signal: AbortSignal): Promise<void> {
  await using provider = await startProvider({ signal })
  const results: CaseResult[] = []
  for (const name of names) {
    const job = createJob(createCase(name, seconds), seconds, provider)
    const all: Measured[] = []
    for (const system of chosen) {
      const measured = await runOne(system, job)
      if (measured !== null) all.push(measured)
    }
    results.push({ job, all })
    console.log(`\n${job.case.title}; ${job.texts.length.toLocaleString('en')} items\n${plainTable(all)}`)
    for (const { system, admitted } of all)
      console.log(`${system}, calls admitted by the second: ${admitted.join(' ')}`)
    // After each case, so that a long run that is stopped has reported something.
    if (values.write) await writeReport(results, process.argv.slice(2))
  }

  async function runOne(system: (typeof systems)[number], job: Job): Promise<Measured | null> {
    const progress = createProgress(`${job.case.name}, ${system.name}`, job.texts.length)
    // The slowest of them need about twice the time; what hangs shall not hang the others.
    const limit = AbortSignal.timeout((seconds * 10 + 60) * 1_000)
    const either = AbortSignal.any([signal, limit])
    progress.update(0)
    try {
      return await measure(system, job, provider, { signal: either, onProgress: (done) => progress.update(done) })
    } catch (error) {
      signal.throwIfAborted()
      console.error(`${job.case.name}, ${system.name} failed:`, error)
      process.exitCode = 1
      return null
    } finally {
      progress.end()
    }
  }
}

function refuse(message: string): never {
  console.error(message)
  process.exit(1)
}
