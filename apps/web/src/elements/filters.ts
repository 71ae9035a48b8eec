import { html } from 'htm/preact'
import { useMemo } from 'preact/hooks'
import { setQuery } from '../router.ts'

const typingMs = 300

/** A search that is written into the address once the person has stopped typing. `label` says what it looks through. */
export function SearchField({ label, value }: { label: string; value: string }) {
  const typed = useMemo(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    return (event: Event) => {
      const { value: text } = event.target as HTMLInputElement
      clearTimeout(timer)
      timer = setTimeout(() => setQuery({ search: text.trim() }), typingMs)
    }
  }, [])
  return html`<input
    type="search"
    placeholder=${label}
    aria-label=${label}
    maxlength="200"
    value=${value}
    onInput=${typed}
  />`
}

/** Writes the choice of a select into the address. */
export function choose(name: string): (event: Event) => void {
  return (event) => setQuery({ [name]: (event.target as HTMLSelectElement).value })
}
