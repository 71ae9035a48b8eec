import { styleText } from 'node:util'

/** Output for people: lines that stay, and below them one line that changes in place. */
export interface Screen {
  /** Whether a line can change in place. */
  readonly isLive: boolean
  readonly columns: number
  readonly say: (line: string) => void
  /** Shows or removes (null) the changing line, at most `columns` characters. It is redrawn when the window changes. Without a terminal nothing is shown. */
  readonly status: (draw: ((columns: number) => string) | null) => void
  /** Hides the changing line while `write` writes lines to the same terminal by another stream. */
  readonly aside: (write: () => void) => void
  /** Styled text; plain without a terminal, with NO_COLOR, or on a terminal without colors. */
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
  readonly green: (text: string) => string
  readonly red: (text: string) => string
}

export type ScreenStream = Pick<NodeJS.WriteStream, 'write' | 'columns' | 'on' | 'off'> & { readonly isTTY?: boolean }

/** `terminal` is the variable TERM. */
export function createScreen(stream: ScreenStream, terminal: string | undefined): Screen {
  const isLive = stream.isTTY === true && terminal !== 'dumb'
  let draw: ((columns: number) => string) | null = null
  let shown = ''
  // A stream that is not a terminal, or a window without a size, reports no columns.
  const columns = (): number => stream.columns || 120

  const clear = (): void => {
    if (draw === null) return
    // A window that has become narrower has wrapped the line into several rows.
    const rowsAbove = Math.max(0, Math.ceil(shown.length / columns()) - 1)
    stream.write(`${rowsAbove === 0 ? '' : `\u001B[${rowsAbove}A`}\r\u001B[J`)
  }
  const show = (): void => {
    if (draw === null) return
    shown = draw(columns())
    stream.write(shown)
  }
  const onResize = (): void => {
    clear()
    show()
  }
  const aside = (write: () => void): void => {
    clear()
    write()
    show()
  }
  const style = (format: 'dim' | 'bold' | 'green' | 'red') => (text: string) =>
    styleText(format, text, { stream: stream as NodeJS.WriteStream })

  return {
    isLive,
    get columns() {
      return columns()
    },
    say: (line) => aside(() => stream.write(`${line}\n`)),
    status(next) {
      if (!isLive) return
      clear()
      if (draw === null && next !== null) stream.on('resize', onResize)
      if (next === null) stream.off('resize', onResize)
      draw = next
      show()
    },
    aside,
    dim: style('dim'),
    bold: style('bold'),
    green: style('green'),
    red: style('red'),
  }
}
