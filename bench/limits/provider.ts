import { run } from '@sluice/local/processes/app-process'
import type { Case } from './cases.ts'
import { latencyMs } from './ideal.ts'
import type { ProviderRules } from './provider-rows.ts'
import { createRequest } from './request.ts'

interface ProviderStats {
  readonly requests: number
  readonly admitted: number
  readonly refused: number
  /** Calls admitted; `second` by the clock. Seconds without any are left out. */
  readonly per_second: readonly { readonly second: number; readonly calls: number }[]
}

/** The simulator in a separate process, as a provider that enforces its limit. */
export interface StrictProvider extends AsyncDisposable {
  /** With `/v1`. */
  readonly url: string
  /** What a call costs beyond its text, in tokens: instructions, schema, and what a chat adds. */
  readonly promptTokens: number
  /** Counts at zero, the case's limit, a full bucket. */
  begin(one: Case, options: { signal: AbortSignal }): Promise<void>
  change(one: Case, perSecond: number, options: { signal: AbortSignal }): Promise<void>
  stats(options: { signal: AbortSignal }): Promise<ProviderStats>
  /** Counts at zero, the limits of a kind of provider. */
  setRules(rules: ProviderRules, latencyMs: number, options: { signal: AbortSignal }): Promise<void>
  /** Other limits; what was counted stays. */
  changeRules(rules: ProviderRules, options: { signal: AbortSignal }): Promise<void>
}

/** Calls before the first case, so that it does not meet a process that is still compiling. */
const warmUpCalls = 500
const warmUpAtOnce = 50

export async function startProvider({ signal }: { signal: AbortSignal }): Promise<StrictProvider> {
  const simulator = await run(
    'simulator',
    { SIMULATOR_PORT: '0', SIMULATOR_LATENCY_MS: '0', SIMULATOR_LATENCY_SPREAD: '0.25' },
    /(http:\/\/127\.0\.0\.1:\d+)/,
  )
  try {
    const base = simulator.ready[1]!
    const post = async (path: string, body: object, options: { signal: AbortSignal }): Promise<unknown> => {
      const response = await fetch(`${base}${path}`, { method: 'POST', body: JSON.stringify(body), ...options })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return response.json()
    }
    const limit = (one: Case, perSecond: number) => ({
      rpm: one.unit === 'requests' ? perSecond * 60 : null,
      tpm: one.unit === 'tokens' ? perSecond * 60 : null,
      burst_s: one.burstS,
    })
    const ask = (text: string) => post('/v1/chat/completions', createRequest(text), { signal })
    const { usage } = (await ask('')) as { usage: { prompt_tokens: number } }
    for (let made = 0; made < warmUpCalls; made += warmUpAtOnce) {
      const names = Array.from({ length: warmUpAtOnce }, (_, i) => `My name is Jill and I am ${made + i} years old.`)
      await Promise.all(names.map(ask))
    }

    return {
      url: `${base}/v1`,
      promptTokens: usage.prompt_tokens,
      async begin(one, options) {
        await post('/_simulator/reset', {}, options)
        await post('/_simulator/latency', { p50_ms: latencyMs }, options)
        await post('/_simulator/limits', limit(one, one.perSecond), options)
      },
      async change(one, perSecond, options) {
        await post('/_simulator/limits', limit(one, perSecond), options)
      },
      async setRules(rules, p50, options) {
        await post('/_simulator/reset', {}, options)
        await post('/_simulator/latency', { p50_ms: p50 }, options)
        await post('/_simulator/limits', rules, options)
      },
      async changeRules(rules, options) {
        await post('/_simulator/limits', rules, options)
      },
      stats: async (options) => (await (await fetch(`${base}/_simulator/stats`, options)).json()) as ProviderStats,
      [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
    }
  } catch (error) {
    await simulator[Symbol.asyncDispose]()
    throw error
  }
}
