/** A line, without its end. */
export interface FileLine {
  /** From 1. */
  readonly number: number
  /** Null: longer than the limit. */
  readonly text: string | null
}

/** The lines of a file as its bytes come. Never holds more than one chunk and one line; blank lines are left out. */
export async function* readLines(chunks: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<FileLine> {
  let number = 0
  let held: Buffer[] = []
  let heldBytes = 0
  let isTooLong = false

  const take = (last: Buffer): FileLine | null => {
    number += 1
    const bytes = held.length === 0 ? last : Buffer.concat([...held, last])
    const tooLong = isTooLong || bytes.length > mostBytes
    held = []
    heldBytes = 0
    isTooLong = false
    if (tooLong) return { number, text: null }
    const text = withoutMark(bytes.toString('utf8'), number)
    return text.trim() === '' ? null : { number, text }
  }

  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const line = take(chunk.subarray(from, end))
      from = end + 1
      if (line !== null) yield line
    }
    const rest = chunk.subarray(from)
    heldBytes += rest.length
    if (heldBytes > mostBytes) {
      isTooLong = true
      held = []
    } else if (rest.length > 0) held.push(rest)
  }
  if (heldBytes === 0) return
  const line = take(Buffer.alloc(0))
  if (line !== null) yield line
}

/** Some editors begin a file with a byte order mark. */
function withoutMark(text: string, number: number): string {
  return number === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text
}
