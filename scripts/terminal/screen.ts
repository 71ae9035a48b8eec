import { styleText } from 'node:util'

/** What a person sees: lines that stay, and below them one line that changes in place. */
export interface Screen {
  /** Whether lines can be changed in place. */
  readonly isLive: boolean
  readonly columns: number
  readonly say: (line: string) => void
  /** Shows or takes away (null) the changing line. Without a terminal nothing is shown. */
  readonly status: (line: string | null) => void
  /** The same text, quieter or louder; plain without a terminal, under NO_COLOR, or on a terminal that cannot. */
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
  readonly green: (text: string) => string
  readonly red: (text: string) => string
}

export function createScreen(stream: NodeJS.WriteStream): Screen {
  const isLive = stream.isTTY && process.env['TERM'] !== 'dumb'
  let current: string | null = null
  const clear = (): void => {
    if (current !== null) stream.write('\r\x1b[2K')
  }
  const style = (format: 'dim' | 'bold' | 'green' | 'red') => (text: string) => styleText(format, text, { stream })
  return {
    isLive,
    get columns() {
      // A terminal that does not know its width says 0.
      return stream.columns > 0 ? stream.columns : 120
    },
    say(line) {
      clear()
      stream.write(`${line}\n`)
      if (current !== null) stream.write(current)
    },
    status(line) {
      if (!isLive) return
      clear()
      current = line
      if (line !== null) stream.write(line)
    },
    dim: style('dim'),
    bold: style('bold'),
    green: style('green'),
    red: style('red'),
  }
}
