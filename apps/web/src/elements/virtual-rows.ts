import type { Signal } from '@preact/signals'
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'

export interface VirtualRowsProps {
  readonly label: string
  readonly columns: readonly string[]
  readonly rowClass: string
  readonly rowHeight: number
  /** How many rows there are; most of them are never drawn. */
  readonly rows: number
  /** The first visible row. Setting it scrolls. */
  readonly top: Signal<number>
  /** Called with the rows that are visible, so that they are loaded. */
  readonly need: (from: number, to: number) => void
  readonly open: (row: number) => void
  /** Changes when rows have been loaded. */
  readonly version: number
  readonly render: (row: number) => ComponentChildren
}

/** Browsers limit the height of an element to 16 or 33 million pixels; more rows scroll faster than their height. */
const mostPixels = 8_000_000
const spare = 8

/** A table of any length by mouse, touch and keyboard (arrows, page keys, Home, End, Enter). */
export function VirtualRows({
  label,
  columns,
  rowClass,
  rowHeight,
  rows,
  top,
  need,
  open,
  version,
  render,
}: VirtualRowsProps) {
  const view = useRef<HTMLDivElement>(null)
  const visible = useSignal(20)
  const active = useSignal(0)
  const moved = useRef(false)

  const fullHeight = Math.min(rows * rowHeight, mostPixels)
  const viewHeight = visible.value * rowHeight
  const scrollRange = Math.max(1, fullHeight - viewHeight)
  const lastTop = Math.max(0, rows - visible.value)
  const first = Math.max(0, Math.min(lastTop, top.value))
  const isScaled = rows * rowHeight > mostPixels
  const pixelsOf = (row: number): number => (isScaled ? (row / Math.max(1, lastTop)) * scrollRange : row * rowHeight)

  useLayoutEffect(() => {
    const element = view.current!
    const measure = (): void => {
      visible.value = Math.max(5, Math.floor((element.clientHeight - 1) / rowHeight))
    }
    measure()
    const sizes = new ResizeObserver(measure)
    sizes.observe(element)
    return () => sizes.disconnect()
  }, [])
  useEffect(() => {
    need(first, Math.min(rows, first + visible.value + spare))
  }, [first, rows, visible.value, version])
  // A row that was asked for from outside, or by a key.
  useLayoutEffect(() => {
    const element = view.current!
    if (!moved.current && Math.abs(element.scrollTop - pixelsOf(first)) >= rowHeight)
      element.scrollTop = pixelsOf(first)
    moved.current = false
  }, [first, rows])

  const onScroll = (): void => {
    // The browser sends the last event of a scroll when the table may be gone.
    if (view.current === null) return
    const { scrollTop } = view.current
    const row = isScaled ? Math.round((scrollTop / scrollRange) * lastTop) : Math.floor(scrollTop / rowHeight)
    if (row === top.value) return
    moved.current = true
    top.value = row
  }
  const go = (row: number): void => {
    const next = Math.max(0, Math.min(rows - 1, row))
    active.value = next
    if (next < first) top.value = next
    else if (next >= first + visible.value) top.value = next - visible.value + 1
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: active.value + 1,
      ArrowUp: active.value - 1,
      PageDown: active.value + visible.value,
      PageUp: active.value - visible.value,
      Home: 0,
      End: rows - 1,
    }
    if (Object.hasOwn(steps, event.key)) {
      event.preventDefault()
      go(steps[event.key]!)
    } else if (event.key === 'Enter' && event.target === view.current) {
      event.preventDefault()
      open(active.value)
    }
  }

  const from = Math.max(0, first - spare)
  const to = Math.min(rows, first + visible.value + spare)
  // Scaled, a pixel is many rows: rows are then placed where the view is, and not at their own height.
  const offset = isScaled ? pixelsOf(first) - (first - from) * rowHeight : from * rowHeight
  const shown = Array.from({ length: to - from }, (_, at) => from + at)
  return html`<div
    class="virtual"
    role="table"
    aria-label=${label}
    aria-rowcount=${rows + 1}
    tabindex="0"
    ref=${view}
    onScroll=${onScroll}
    onKeyDown=${onKeyDown}
  >
    <div class=${`${rowClass} virtual-head`} role="row" aria-rowindex="1">
      ${columns.map((name) => html`<span role="columnheader">${name}</span>`)}
    </div>
    <div role="rowgroup" class="virtual-body" style=${{ height: `${Math.max(fullHeight, 1)}px` }}>
      <div role="presentation" style=${{ transform: `translateY(${Math.max(0, offset)}px)` }}>
        ${shown.map(
          (row) =>
            html`<div
              key=${row}
              role="row"
              aria-rowindex=${row + 2}
              class=${rowClass}
              data-active=${row === active.value}
              style=${{ height: `${rowHeight}px` }}
              onClick=${(event: MouseEvent) => {
                active.value = row
                if (!(event.target as Element).closest('a')) open(row)
              }}
            >
              ${render(row)}
            </div>`,
        )}
      </div>
    </div>
  </div>`
}
