/** The beginning of a value's JSON, at most `longest` characters and `…`: made without writing all of a large value. */
export function shortJson(value: unknown, longest = 80): string {
  let text = ''
  const isDone = () => text.length > longest
  const write = (inner: unknown): void => {
    if (isDone()) return
    if (typeof inner === 'string') text += JSON.stringify(inner.length > longest ? inner.slice(0, longest + 1) : inner)
    else if (Array.isArray(inner)) {
      text += '['
      for (const [i, item] of inner.entries()) {
        if (isDone()) return
        if (i > 0) text += ','
        write(item)
      }
      text += ']'
    } else if (typeof inner === 'object' && inner !== null) {
      text += '{'
      let isFirst = true
      for (const key in inner) {
        if (isDone()) return
        if (!Object.hasOwn(inner, key)) continue
        if (!isFirst) text += ','
        isFirst = false
        write(key)
        text += ':'
        write((inner as Record<string, unknown>)[key])
      }
      text += '}'
    } else text += inner === undefined ? 'nothing' : (JSON.stringify(inner) ?? 'nothing')
  }
  write(value)
  return isDone() ? `${text.slice(0, longest)}…` : text
}
