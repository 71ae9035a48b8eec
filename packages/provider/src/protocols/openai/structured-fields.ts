/** An item of a structured field's list with its parameters: `"default";r=50;t=30`. */
export interface FieldItem {
  readonly name: string
  readonly parameters: ReadonlyMap<string, string>
}

const mostItems = 8

/**
 * A list of items or a dictionary, as far as the RateLimit fields need it (RFC 9651): names without a comma or a semicolon, and values
 * that are tokens, numbers or strings. What does not parse is left out.
 */
export function parseFields(text: string | null): FieldItem[] {
  if (text === null) return []
  return text
    .split(',')
    .slice(0, mostItems)
    .flatMap((part) => {
      const [item = '', ...rest] = part.split(';').map((one) => one.trim())
      // In draft 07: `limit=100, remaining=50, reset=5`; in 06 a policy's name is its quota: `100;w=60`.
      const [key = '', value] = item.split('=').map(unquote)
      if (key === '') return []
      const parameters = new Map(
        rest.map((one) => one.split('=').map(unquote)).map(([name = '', of = '']) => [name, of]),
      )
      if (/^\d+$/.test(key)) parameters.set('q', key)
      return [
        {
          name: value === undefined ? key : '',
          parameters: value === undefined ? parameters : parameters.set(key, value),
        },
      ]
    })
    .reduce<FieldItem[]>((items, item) => {
      const same = items.find(({ name }) => name === item.name)
      if (same === undefined) return [...items, item]
      return items.map((one) =>
        one === same ? { ...one, parameters: new Map([...one.parameters, ...item.parameters]) } : one,
      )
    }, [])
}

function unquote(text: string): string {
  return text.trim().replace(/^"(.*)"$/, '$1')
}
