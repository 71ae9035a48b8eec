import type { Measured } from './measure.ts'

const columns = 2
const panel = { width: 460, height: 196, left: 48, right: 14, top: 46, bottom: 36 }
const margin = { side: 16, top: 64, bottom: 14 }

/** A hand-made SVG: for each system the calls admitted in each second, against the limit. It follows the reader's light or dark theme. */
export function drawChart(title: string, limitPerSecond: number, all: readonly Measured[]): string {
  const seconds = Math.max(...all.map(({ admitted }) => admitted.length))
  const most = Math.max(limitPerSecond, ...all.flatMap(({ admitted }) => admitted))
  const yStep = niceStep(most / 4)
  const scale: Scale = { seconds, most: Math.ceil((most * 1.05) / yStep) * yStep, yStep, xStep: niceStep(seconds / 6) }
  const rows = Math.ceil(all.length / columns)
  const width = margin.side * 2 + columns * panel.width
  const height = margin.top + rows * panel.height + margin.bottom
  const legend = margin.side + panel.width + panel.left
  const panels = all.map((one, at) => {
    const x = margin.side + (at % columns) * panel.width
    const y = margin.top + Math.floor(at / columns) * panel.height
    return `<g transform="translate(${x} ${y})">\n${drawPanel(one, limitPerSecond, scale)}\n</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}">
<style>
  svg { --ground: #ffffff; --ink: #1f2328; --quiet: #59636e; --grid: #e4e7eb; --bar: #7db1e3; --limit: #b3261e }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #0d1117; --ink: #e6edf3; --quiet: #9198a1; --grid: #262c36; --bar: #3a76b3; --limit: #ff7b63 }
  }
  text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: var(--quiet) }
  .title { font-size: 17px; font-weight: 600; fill: var(--ink) }
  .name { font-size: 14px; font-weight: 600; fill: var(--ink) }
  .end { text-anchor: end }
  .middle { text-anchor: middle }
  .grid { stroke: var(--grid) }
  .bar { fill: var(--bar) }
  .limit { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 5 3 }
</style>
<rect width="${width}" height="${height}" rx="8" fill="var(--ground)"/>
<text class="title" x="${margin.side + 4}" y="30">${escape(title)}</text>
<text x="${margin.side + 4}" y="50">Calls that the provider admitted, each second.</text>
<line class="limit" x1="${legend}" x2="${legend + 28}" y1="46" y2="46"/>
<text x="${legend + 35}" y="50">Its limit, ${limitPerSecond} a second.</text>
${panels.join('\n')}
</svg>
`
}

interface Scale {
  readonly seconds: number
  readonly most: number
  readonly yStep: number
  readonly xStep: number
}

function drawPanel(one: Measured, limit: number, { seconds, most, yStep, xStep }: Scale): string {
  const { width, height, left, right, top, bottom } = panel
  const x = (second: number) => round(left + (second / seconds) * (width - left - right))
  const y = (calls: number) => round(top + (1 - calls / most) * (height - top - bottom))
  const base = y(0)
  const said = [
    `${(one.utilisation * 100).toFixed(1)} % used`,
    `${one.refused.toLocaleString('en')} refused`,
    `${one.lost.toLocaleString('en')} lost`,
  ].join(' · ')
  const lines = steps(most, yStep).map(
    (calls) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(calls)}" y2="${y(calls)}"/><text class="end" x="${left - 6}" y="${y(calls) + 4}">${calls}</text>`,
  )
  const marks = steps(seconds, xStep).map(
    (second) => `<text class="middle" x="${x(second)}" y="${base + 16}">${second}${second === 0 ? ' s' : ''}</text>`,
  )
  const bars = one.admitted.map((calls, second) => {
    const gap = seconds > 90 ? 0 : 1
    const from = x(second)
    return calls === 0 ? '' : `M${from} ${base}V${y(calls)}H${round(x(second + 1) - gap)}V${base}Z`
  })
  return [
    `<text class="name" x="${left}" y="18">${escape(one.system)}</text>`,
    `<text x="${left}" y="35">${said}</text>`,
    ...lines,
    `<path class="bar" d="${bars.join('')}"/>`,
    `<line class="limit" x1="${left}" x2="${width - right}" y1="${y(limit)}" y2="${y(limit)}"/>`,
    ...marks,
  ].join('\n')
}

function steps(most: number, step: number): number[] {
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step)
}

/** The next of 1, 2, 5, 10, 20 and so on. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)))
  return power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
