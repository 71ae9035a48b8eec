import { expect, test } from 'vitest'
import { runChaos } from './run-chaos.ts'

// Longer runs by hand: pnpm chaos --seed 7 --items 20000 --seconds 300
test.each([1, 2, 3])('no result is lost, doubled or changed while processes are killed, seed %i', async (seed) => {
  const lines: string[] = []
  const report = await runChaos({ seed, items: 1_500, workers: 3, seconds: 25, say: (line) => lines.push(line) })
  console.error(`${lines.join('\n')}\n${JSON.stringify(report)}`)
  expect(report.broken).toEqual([])
  expect(report.succeeded + report.failed).toBe(report.items)
})
