import { effect } from '@preact/signals'
import { html } from 'htm/preact'
import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import { theme } from '../theme.ts'

export interface Series {
  readonly label: string
  /** A custom property of the style sheet, such as `--good-fill`. */
  readonly colour: string
  readonly dashed?: boolean
  readonly filled?: boolean
  readonly format: (value: number) => string
}

export interface ChartProps {
  readonly label: string
  /** Unix seconds, then the values of each series; null where there is none. */
  readonly data: readonly (readonly (number | null)[])[]
  readonly series: readonly Series[]
}

const height = 180
const retryMs = 3_000

/** As wide as the longest of its labels: small amounts of money have many digits. */
function widthOf(_chart: uPlot, labels: string[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map((label) => label.length))
  return Math.max(56, 18 + 6.5 * longest)
}

/** A line chart over time. The same values are in the table below it for readers of the screen. */
export function Chart({ label, data, series }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const latest = useRef(data)
  latest.current = data

  async function open(signal: AbortSignal): Promise<void> {
    const Plot = await loadPlot(signal)
    if (Plot === null) return
    const element = place.current
    if (signal.aborted || element === null) return
    const draw = (): void => {
      chart.current?.destroy()
      chart.current = new Plot(options(element, series), latest.current as uPlot.AlignedData, element)
    }
    // Colours are read when the chart is drawn, so another theme needs another drawing.
    const stopTheme = effect(() => {
      void theme.value
      draw()
    })
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw, { signal })
    const sizes = new ResizeObserver(() => chart.current?.setSize({ width: element.clientWidth, height }))
    sizes.observe(element)
    signal.addEventListener('abort', () => {
      stopTheme()
      sizes.disconnect()
      chart.current?.destroy()
      chart.current = null
    })
  }
  useEffect(() => {
    const stop = new AbortController()
    void open(stop.signal)
    return () => stop.abort()
  }, [])
  useEffect(() => chart.current?.setData(data as uPlot.AlignedData), [data])

  return html`<div class="chart" role="img" aria-label=${describe(label, data, series)} ref=${place}></div>`
}

/** The library is loaded with the first chart. A server that restarts just then is asked again; null: the chart is no longer shown. */
async function loadPlot(signal: AbortSignal): Promise<typeof uPlot | null> {
  while (!signal.aborted) {
    try {
      return (await import('uplot')).default
    } catch {
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }
  return null
}

function describe(label: string, data: ChartProps['data'], series: readonly Series[]): string {
  const last = series.map(({ label: name, format }, at) => {
    const value = data[at + 1]?.findLast((one) => one !== null)
    return value === undefined || value === null ? '' : `${name} ${format(value)}`
  })
  return `${label}. Latest: ${last.filter((one) => one !== '').join(', ')}`
}

function options(element: HTMLElement, series: readonly Series[]): uPlot.Options {
  const style = getComputedStyle(element)
  // The browser has resolved light-dark() only in properties that are colours.
  const colour = (name: string): string => {
    element.style.color = `var(${name})`
    const resolved = getComputedStyle(element).color
    element.style.color = ''
    return resolved
  }
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
    font: `11px ${style.fontFamily}`,
  }
  const first = series[0]!
  return {
    width: element.clientWidth,
    height,
    legend: { live: true },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_chart, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [axis, { ...axis, size: widthOf, values: (_chart, values) => values.map((value) => first.format(value)) }],
    series: [
      { value: (_chart, value) => (value === null ? '–' : new Date(value * 1_000).toLocaleTimeString('en-GB')) },
      ...series.map(({ label, colour: name, dashed, filled, format }) => ({
        label,
        stroke: colour(name),
        width: 1.5,
        points: { show: false },
        spanGaps: true,
        ...(dashed === true ? { dash: [5, 4] } : {}),
        ...(filled === true ? { fill: colour(name).replace(/^rgb\((.*)\)$/, 'rgba($1, 0.12)') } : {}),
        value: (_chart: uPlot, value: number | null) => (value === null ? '–' : format(value)),
      })),
    ],
  }
}
