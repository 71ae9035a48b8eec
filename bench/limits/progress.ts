const everyMs = 5_000
const everyMsOnTerminal = 200

export interface Progress {
  update(done: number): void
  /** Takes the line back, so that others may write. */
  end(): void
}

/** One line on stderr that is written over, or where that is no terminal one every few seconds. */
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
