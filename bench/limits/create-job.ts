import type { Case } from './cases.ts'
import type { StrictProvider } from './provider.ts'
import type { Job } from './system.ts'

const charactersPerToken = 4

/** The work of a case, and the limit as a user would reckon it in calls. */
export function createJob(one: Case, seconds: number, { url, promptTokens }: StrictProvider): Job {
  const texts = one.texts()
  const costs = texts.map(({ length }) => (one.unit === 'tokens' ? promptTokens + length / charactersPerToken : 1))
  const perSecond = (one.perSecond * costs.length) / costs.reduce((sum, cost) => sum + cost, 0)
  return { case: one, seconds, texts, known: { perSecond, burst: perSecond * one.burstS }, costs, providerUrl: url }
}
