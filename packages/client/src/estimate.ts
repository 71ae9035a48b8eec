import { estimate, type Estimate } from '@sluice/contract/estimate'
import { addUsage } from '@sluice/contract/usage'
import type { Http } from './http.ts'
import { createPieces } from './items.ts'
import type { Texts } from './options.ts'
import type { Extraction } from './submit.ts'

const pieceSize = { items: 10_000, characters: 4_000_000 }

/** Estimates a batch of these texts. Nothing runs and nothing is stored. A large input is estimated piece by piece and summed up. */
export async function estimateTexts(http: Http, texts: Texts, { extractor }: Extraction): Promise<Estimate> {
  const pieces = createPieces(texts)
  let sum: Estimate = { object: 'estimate', items: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0 }
  try {
    for (;;) {
      const { lines, last } = await pieces.next(pieceSize)
      if (lines.length > 0) {
        const rest = JSON.stringify({ extractor }).slice(1)
        const body = `{"items":[${lines.join(',')}],${rest}`
        const one = await http.json(estimate, { method: 'POST', path: '/v1/batches/estimate', body, repeat: 'safe' })
        sum = {
          object: 'estimate',
          items: sum.items + one.items,
          ...addUsage(sum, one),
          cost_usd: sum.cost_usd === null || one.cost_usd === null ? null : sum.cost_usd + one.cost_usd,
        }
      }
      if (last) return sum
    }
  } finally {
    await pieces.close()
  }
}
