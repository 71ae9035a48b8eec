/** A way to extract data from texts: yields results as the caller sees them. */
export type Way = (texts: readonly string[]) => AsyncIterable<unknown>

export interface Taken {
  readonly ms: number
  readonly firstResultMs: number
}

/** Throws if not every text was answered. */
export async function takeTime(way: Way, texts: readonly string[]): Promise<Taken> {
  const began = performance.now()
  let firstResultMs: number | undefined
  let results = 0
  for await (const _ of way(texts)) {
    firstResultMs ??= performance.now() - began
    results += 1
  }
  const ms = performance.now() - began
  if (results !== texts.length) throw new Error(`${results} of ${texts.length} were answered.`)
  return { ms, firstResultMs: firstResultMs ?? ms }
}
