import { useSignal } from '@preact/signals'
import type { Extractor } from '@sluice/contract/extractor'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'

interface Change {
  readonly value: string
  readonly added?: boolean
  readonly removed?: boolean
}

/** Lines around a change; the rest is folded. */
const context = 3
/** Longer texts take the comparison too long; then nothing is compared. */
const mostEdits = 2_000

/** What changed between two versions, by lines of their JSON. */
export function VersionDiff({ versions, to }: { versions: readonly Extractor[]; to: number }) {
  const others = versions.filter(({ version }) => version !== to)
  const from = useSignal(others.find(({ version }) => version < to)?.version ?? others[0]?.version ?? to)
  const lines = useSignal<readonly { sign: string; text: string }[] | null>(null)
  const before = versions.find(({ version }) => version === from.value)
  const after = versions.find(({ version }) => version === to)
  useEffect(() => {
    const show = async (): Promise<void> => {
      const { diffLines } = await import('diff/lib/diff/line.js')
      const options = { maxEditLength: mostEdits }
      lines.value = toLines((diffLines(textOf(before), textOf(after), options) as Change[] | undefined) ?? null)
    }
    void show()
  }, [before, after])
  return html`<section class="card space">
    <div class="card-head">
      <h2>What changed</h2>
      <label class="inline-field"
        >from version
        <select
          value=${String(from.value)}
          onChange=${(event: Event) => (from.value = Number((event.target as HTMLSelectElement).value))}
        >
          ${others.map(({ version }) => html`<option value=${String(version)}>${version}</option>`)}
        </select>
        to version ${to}</label
      >
    </div>
    ${
      lines.value !== null &&
      html`<pre class="diff" tabindex="0" aria-label="Difference">
${lines.value.map(({ sign, text }) => html`<span data-sign=${sign}>${`${sign} ${text}`}${'\n'}</span>`)}</pre>`
    }
  </section>`
}

/** What makes a version: everything that changes an answer. */
function textOf(extractor: Extractor | undefined): string {
  if (extractor === undefined) return ''
  const { instructions, schema, lane, parameters, reasks } = extractor
  return `${JSON.stringify({ lane, parameters, reasks, schema }, null, 2)}\n\n${instructions}\n`
}

function toLines(changes: readonly Change[] | null): { sign: string; text: string }[] {
  if (changes === null) return [{ sign: ' ', text: 'The versions differ too much to be compared.' }]
  if (changes.every(({ added, removed }) => added !== true && removed !== true))
    return [{ sign: ' ', text: 'There is no difference.' }]
  return changes.flatMap(({ value, added, removed }, at) => {
    const sign = added === true ? '+' : removed === true ? '-' : ' '
    const texts = value.replace(/\n$/, '').split('\n')
    if (sign !== ' ' || texts.length <= 2 * context + 1) return texts.map((text) => ({ sign, text }))
    const head = at === 0 ? [] : texts.slice(0, context)
    const tail = at === changes.length - 1 ? [] : texts.slice(-context)
    const folded = texts.length - head.length - tail.length
    return [
      ...head.map((text) => ({ sign, text })),
      { sign: ' ', text: `… ${folded} lines` },
      ...tail.map((text) => ({ sign, text })),
    ]
  })
}
