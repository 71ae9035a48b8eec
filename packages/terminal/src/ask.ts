import { createInterface } from 'node:readline/promises'

/** Asks a question with the answer yes or no, in one line; `otherwise` is what an empty answer means. Only for a terminal. */
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
  // In this mode the terminal gives Ctrl-C to readline instead of sending a signal.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const shown = `${question} ${otherwise === 'yes' ? '[Y/n]' : '[y/N]'} `
    const answer = (await terminal.question(shown, signal === undefined ? {} : { signal })).trim()
    return answer === '' ? otherwise === 'yes' : /^y(es)?$/i.test(answer)
  } finally {
    terminal.close()
  }
}
