import { readFile, writeFile } from 'node:fs/promises'
import { cpus, platform, totalmem } from 'node:os'
import { drawChart } from './chart.ts'
import type { Measured } from './measure.ts'
import { atOnce, type Job } from './system.ts'
import { markdownTable } from './table.ts'

export interface CaseResult {
  readonly job: Job
  readonly all: readonly Measured[]
}

const docs = new URL('../../docs/operations/', import.meta.url)
const modules = new URL('../../node_modules/', import.meta.url)
/** The lines between which the report writes its section. */
const begins = '<!-- limits -->'
const ends = '<!-- end of limits -->'
const drawn = 'requests-per-second'

/** Writes its section of docs/operations/benchmarks.md with a table for each case, and the picture docs/operations/limits.svg when its case is among them. */
export async function writeReport(results: readonly CaseResult[], args: readonly string[]): Promise<void> {
  const picture = results.find(({ job, all }) => job.case.name === drawn && all.length > 0)
  if (picture !== undefined) {
    const svg = drawChart(picture.job.case.title, picture.job.case.perSecond, picture.all)
    await writeFile(new URL('limits.svg', docs), svg)
  }
  const sections = results.map(
    ({ job, all }) =>
      `### ${job.case.title}\n\n${job.texts.length.toLocaleString('en')} items${knownOf(job)}.\n\n${markdownTable(all)}\n`,
  )
  const parts = [
    await opening(args),
    ...(picture === undefined ? [] : [`![Calls admitted each second](limits.svg)\n`]),
    ...sections,
  ]
  await writeSection(begins, ends, parts.join('\n'))
}

/** Writes the table of all kinds of providers into docs/operations/benchmarks.md. */
export async function writeMatrix(table: string, args: readonly string[]): Promise<void> {
  const command = `pnpm bench limits${args.map((arg) => ` ${arg}`).join('')}`
  const text = `## Every kind of provider

\`${command}\` on ${new Date().toISOString().slice(0, 10)}. Part of the limit used from the first call on, in a time in which there is more work than it admits, and part of the requests that were refused.

${table}
`
  await writeSection('<!-- providers -->', '<!-- end of providers -->', text)
}

async function writeSection(from: string, to: string, content: string): Promise<void> {
  const file = new URL('benchmarks.md', docs)
  const text = await readFile(file, 'utf8')
  const [begin, end] = [text.indexOf(from), text.indexOf(to)]
  if (begin < 0 || end < begin)
    throw new Error(`docs/operations/benchmarks.md must contain the lines '${from}' and '${to}'.`)
  await writeFile(file, `${text.slice(0, begin + from.length)}\n\n${content}\n${text.slice(end)}`)
}

function knownOf({ case: { unit, perSecond }, known }: Job): string {
  return unit === 'requests'
    ? ''
    : `, ${Math.round(perSecond / known.perSecond)} tokens each on average: the other systems are configured with ${known.perSecond.toFixed(1)} calls per second`
}

async function opening(args: readonly string[]): Promise<string> {
  const { devDependencies: ours } = JSON.parse(await readFile(new URL('../package.json', modules), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const versions = await Promise.all(
    ['openai', 'p-queue', 'bottleneck', 'bullmq']
      .filter((name) => name in ours)
      .map(async (name) => {
        const text = await readFile(new URL(`${name}/package.json`, modules), 'utf8')
        return `${name} ${(JSON.parse(text) as { version: string }).version}`
      }),
  )
  const [first] = cpus()
  const machine = `${cpus().length} cores (${first?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, ${platform()}`
  return `## The limit, used and not overrun

\`pnpm bench limits${args.map((arg) => ` ${arg}`).join('')}\` on ${new Date().toISOString().slice(0, 10)}: ${machine}; Node ${process.versions.node}, ${versions.join(', ')}.

The provider is the [simulator](../../apps/simulator/README.md) in a separate process. It enforces the limit with token buckets that are full at the start, and a call takes
300 ms (median, log-normal). Everything runs on this one machine. Sluice is the API, workers and its own Redis, started for each run. No limit is configured: Sluice learns it
from the headers of the answers. Each other system is one process with the openai SDK and knows the limit. All may have ${atOnce} calls in flight.

- Bare loop: as many loops as calls in flight, the SDK's two retries; it has no setting for a limit.
- p-queue: \`intervalCap\` is the size of the bucket, \`interval\` the time in which it fills, \`strict\`; the SDK's two retries.
- Bottleneck: \`minTime\` if the limit is enforced per second, otherwise a reservoir of the bucket's size, filled every 5 s; the SDK's two retries.
- BullMQ limiter: \`max\` is the size of the bucket, \`duration\` the time in which it fills; 5 attempts, exponential backoff from 1 s with jitter, no retries of the SDK.

**Limit used**: the time in which the provider could have admitted the answered items (including the initial burst, a change of the limit and another client's calls), plus the latency
of one call, divided by the measured time from the first item submitted to the last answer. A system that loses refused items ends early, so its value says little. **Refused**: answered
with 429, counted by the provider. **Lost**: items without a valid answer at the end. **CPU**: of the processes that make the calls. **Other CPU**: of Redis and of Sluice's API.
`
}
