import { TextDecoder } from 'node:util'
import { InputError } from './input.ts'

/** Longer than any line that the server accepts. */
const maxLineLength = 8_100_000

/** Decodes bytes and removes a byte order mark. Throws an InputError for bytes that are invalid in the encoding. */
export async function* decode(
  chunks: AsyncIterable<Uint8Array>,
  encoding: string,
  name: string,
): AsyncGenerator<string> {
  const decoder = createDecoder(encoding)
  try {
    for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  } catch (error) {
    throw error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
      ? new InputError(`${name} is not valid ${encoding}. Name its encoding, such as --encoding windows-1252.`)
      : error
  }
}

export function createDecoder(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true })
  } catch {
    throw new InputError(`Unknown encoding '${encoding}'. Use for example utf-8, windows-1252 or utf-16le.`)
  }
}

/** Lines with their numbers, from 1, without line ends. Only `\n` and `\r\n` end a line: JSON may contain every other separator. */
export async function* lines(
  texts: AsyncIterable<string>,
  name: string,
): AsyncGenerator<{ number: number; line: string }> {
  let rest = ''
  let number = 0
  for await (const text of texts) {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > maxLineLength) {
      throw new InputError(
        `${name} line ${number + parts.length + 1} is longer than ${maxLineLength.toLocaleString('en')} characters.`,
      )
    }
    for (const line of parts) yield { number: ++number, line: line.endsWith('\r') ? line.slice(0, -1) : line }
  }
  if (rest !== '') yield { number: ++number, line: rest }
}
