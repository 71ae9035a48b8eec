/** Of this thread, in milliseconds: other programs do not lengthen it by waiting, only by sharing the processor's caches. */
export function threadMs(work: () => unknown): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}

/** What `referenceWork` takes on the machine on which the limits of tests were measured. */
const referenceMs = 2

/** How much slower than that machine this one is at the moment; at least 1. Limits in processor time are multiplied by it. */
export function processorSlowdown(): number {
  const runs = Array.from({ length: 7 }, () => threadMs(referenceWork)).toSorted((a, b) => a - b)
  return Math.max(1, runs[3]! / referenceMs)
}

/** A mix of what limits are about: objects, text, numbers. */
function referenceWork(): number {
  const text = JSON.stringify(
    Array.from({ length: 3_000 }, (_, i) => ({ id: i, word: `w${(i * 7_919) % 1_009}`, list: [i, null, true] })),
  )
  let sum = 0
  for (let at = 0; at < text.length; at += 1) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0
  return sum + (JSON.parse(text) as object[]).length
}
