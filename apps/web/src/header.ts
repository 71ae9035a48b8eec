import { html } from 'htm/preact'
import { connection } from './live.ts'
import { place } from './router.ts'
import { secured } from './session.ts'
import { nextTheme, theme } from './theme.ts'

const links = [
  { path: '/', text: 'Batches', views: ['batches', 'batch', 'items', 'item'] },
  { path: '/extractors', text: 'Extractors', views: ['extractors', 'extractor'] },
  { path: '/summaries', text: 'Summaries', views: ['summaries', 'summary'] },
  { path: '/lanes', text: 'Lanes', views: ['lanes'] },
] as const
const connectionWords = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Reconnecting',
} as const
const themeWords = { system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' } as const
const themeSigns = { system: '◐', light: '☀', dark: '☾' } as const

export function PageHeader() {
  const { view } = place.value
  return html`<header class="page-header">
    <a class="brand" href="/" aria-label="Sluice, all batches">Sluice</a>
    <nav aria-label="Views">
      ${links.map(
        ({ path, text, views }) =>
          html`<a href=${path} aria-current=${(views as readonly string[]).includes(view) ? 'page' : undefined}
            >${text}</a
          >`,
      )}
    </nav>
    <div class="header-end">
      <span
        class="connection"
        data-state=${connection.value}
        title="Changes appear without a reload while this says Live"
        >${connectionWords[connection.value]}</span
      >
      <a class="outside" href="/queues">Queues</a>
      <a class="outside" href="/docs">API</a>
      <button class="quiet" onClick=${nextTheme} title=${themeWords[theme.value]} aria-label=${themeWords[theme.value]}>
        ${themeSigns[theme.value]}
      </button>
      ${secured && html`<form method="post" action="/logout"><button class="quiet">Log out</button></form>`}
      <a class="button primary" href="/new" aria-current=${view === 'newBatch' ? 'page' : undefined}>New batch</a>
    </div>
  </header>`
}
