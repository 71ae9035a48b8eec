// Runs in the API process, before it. Reports the processor time that its main thread takes between two rounds of the event loop.
const everyMs = 2
let turns: number[] = []
let last = process.threadCpuUsage()

process.on('SIGUSR2', () => (turns = []))
setInterval(() => {
  const now = process.threadCpuUsage()
  turns.push((now.user + now.system - last.user - last.system) / 1_000)
  last = now
}, everyMs)
setInterval(() => {
  const sorted = turns.toSorted((a, b) => a - b)
  const round = (ms = 0) => Math.round(ms * 10) / 10
  const p99 = round(sorted[Math.floor(sorted.length * 0.99)])
  console.log(JSON.stringify({ turns: { count: sorted.length, p99, max: round(sorted.at(-1)) } }))
}, 250)
