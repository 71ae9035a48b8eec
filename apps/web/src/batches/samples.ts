interface Sample {
  readonly at: number
  readonly succeeded: number
  readonly failed: number
}

/** Finished items per second between each sample and the one before. A retry takes failed items back: that is no negative speed. */
export function itemsPerSecond(samples: readonly Sample[]): (number | null)[] {
  return samples.map((sample, at) => {
    const before = samples[at - 1]
    if (before === undefined) return null
    const seconds = sample.at - before.at
    if (seconds <= 0) return null
    return Math.max(0, (sample.succeeded + sample.failed - before.succeeded - before.failed) / seconds)
  })
}
