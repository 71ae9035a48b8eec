import { createInterface } from 'node:readline/promises'

/** Asks a yes-or-no question in one line; `otherwise` is the meaning of an empty answer. Only for a terminal. */
export async function ask(
  question: string,
  otherwise: 'yes' | 'no',
  {
    input,
    output,
    signal,
  }: { readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream; readonly signal?: AbortSignal },
): Promise<boolean> {
  const terminal = createInterface({ input, output })
  // In this mode the terminal passes Ctrl-C to readline and sends no signal.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const shown = `${question} ${otherwise === 'yes' ? '[Y/n]' : '[y/N]'} `
    const answer = (await terminal.question(shown, signal === undefined ? {} : { signal })).trim()
    return answer === '' ? otherwise === 'yes' : /^y(es)?$/i.test(answer)
  } finally {
    terminal.close()
  }
}
