import { parseArgs } from 'node:util'
import { runChaos } from './run-chaos.ts'

// `pnpm chaos --seed 7` repeats the run with that seed; without a seed it chooses one and prints it.
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    items: { type: 'string', default: '5000' },
    workers: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '90' },
    blows: { type: 'string' },
    only: { type: 'string', default: '' },
    small: { type: 'string', default: '200' },
  },
})
const seed = Number(values.seed ?? Date.now() % 1_000_000)
console.error(
  `Seed ${seed}: pnpm chaos --seed ${seed} --items ${values.items} --workers ${values.workers} --seconds ${values.seconds} --small ${values.small}${values.blows === undefined ? '' : ` --blows ${values.blows}`}`,
)
const report = await runChaos({
  seed,
  items: Number(values.items),
  workers: Number(values.workers),
  seconds: Number(values.seconds),
  ...(values.blows === undefined ? {} : { blows: Number(values.blows) }),
  smallBatches: Number(values.small),
  only: values.only,
  say: console.error,
})
const { struck, broken, ...figures } = report
console.table(Object.entries(struck).map(([blow, times]) => ({ blow, times })))
console.table([figures])
console.log(broken.length === 0 ? 'Every promise was kept.' : `BROKEN PROMISES:\n${broken.join('\n')}`)
process.exitCode = broken.length === 0 ? 0 : 1
