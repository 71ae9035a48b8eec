import type { LaneList, LaneView } from '@sluice/contract/lane-view'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { LoadError } from '../elements/notice.ts'
import { ask } from '../http.ts'
import { listen } from '../live.ts'
import { useLoaded } from '../loading.ts'
import { LaneCard } from './lane-card.ts'

/** Every lane: its limits, what uses them, and whether it stands still. */
export function LanesView() {
  const loaded = useLoaded('lanes', (stop) => ask<LaneList>('GET', '/v1/lanes', { signal: stop }))
  useEffect(() => {
    document.title = 'Lanes · Sluice'
    return listen('lane', (lane) => {
      const list = loaded.data.peek()
      if (list === undefined) return
      const known = list.data.some(({ name }) => name === lane.name)
      loaded.set({
        ...list,
        data: known ? list.data.map((one) => (one.name === lane.name ? lane : one)) : [...list.data, lane],
      })
    })
  }, [])
  const lanes: readonly LaneView[] = loaded.data.value?.data ?? []
  return html`<div class="view-head"><h1>Lanes</h1></div>
    ${loaded.error.value !== null && html`<${LoadError} message=${loaded.error.value} retry=${loaded.reload} />`}
    ${loaded.data.value === undefined && loaded.error.value === null && html`<p class="list-end">Loading…</p>`}
    ${lanes.map((lane) => html`<${LaneCard} key=${lane.name} lane=${lane} reload=${loaded.reload} />`)}`
}
