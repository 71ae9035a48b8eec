const everyMs = 5_000
const everyMsOnTerminal = 200

export interface Progress {
  update(done: number): void
  /** Removes the line, so that other output can be written. */
  end(): void
}

/** One line on standard error that is overwritten; without a terminal, a new line every few seconds. */
export function createProgress(label: string, total: number): Progress {
  const { stderr } = process
  let writtenAt = 0
  return {
    update(done) {
      const now = performance.now()
      if (now - writtenAt < (stderr.isTTY ? everyMsOnTerminal : everyMs)) return
      writtenAt = now
      const line = `${label}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')}`
      stderr.write(stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`)
    },
    end() {
      if (stderr.isTTY) stderr.write('\r\x1b[K')
    },
  }
}
