import { computed, signal } from '@preact/signals'
import { type ViewName, viewPaths } from './views.ts'

export interface Place {
  readonly view: ViewName | 'unknown'
  /** The named parts of the path, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

const address = signal(location.pathname + location.search)

/** Where the person is now. */
export const place = computed<Place>(() => {
  const { pathname, searchParams } = new URL(address.value, location.origin)
  return { ...findView(pathname), query: searchParams }
})

function findView(pathname: string): Pick<Place, 'view' | 'params'> {
  const parts = split(pathname)
  for (const [view, pattern] of Object.entries(viewPaths) as [ViewName, string][]) {
    const wanted = split(pattern)
    if (wanted.length !== parts.length) continue
    const params: Record<string, string> = Object.create(null) as Record<string, string>
    const fits = wanted.every((name, at) => {
      if (!name.startsWith(':')) return name === parts[at]
      params[name.slice(1)] = parts[at]!
      return true
    })
    if (fits) return { view, params }
  }
  return { view: 'unknown', params: {} }
}

function split(path: string): string[] {
  return path
    .split('/')
    .filter((part) => part !== '')
    .map(decode)
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The path of a view, with everything from outside encoded. */
export function pathTo(view: ViewName, params: Readonly<Record<string, string | number>> = {}): string {
  return viewPaths[view].replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])))
}

export function goTo(path: string, how: 'push' | 'replace' = 'push'): void {
  if (path === address.value) return
  const leaves = new URL(path, location.origin).pathname !== location.pathname
  if (how === 'push') history.pushState(null, '', path)
  else history.replaceState(null, '', path)
  address.value = path
  if (leaves) {
    scrollTo(0, 0)
    // A reader of the screen starts at the new view, as after a page load.
    document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true })
  }
}

/** Changes the query of the present view; empty values are left out. */
export function setQuery(changes: Readonly<Record<string, string>>): void {
  const query = new URLSearchParams(place.value.query)
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') query.delete(name)
    else query.set(name, value)
  }
  const text = query.toString()
  goTo(`${location.pathname}${text === '' ? '' : `?${text}`}`, 'replace')
}

/** Links inside the page change the view without a page load; everything else is left to the browser. */
export function followLinks(): void {
  addEventListener('popstate', () => {
    address.value = location.pathname + location.search
  })
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (link === null || link.target !== '' || link.hasAttribute('download')) return
    if (link.origin !== location.origin || findView(link.pathname).view === 'unknown') return
    event.preventDefault()
    goTo(link.pathname + link.search)
  })
}
