import { estimate, type Estimate } from '@sluice/contract/estimate'
import type { Http } from './http.ts'
import { createPieces } from './items.ts'
import type { Texts } from './options.ts'
import type { Extraction } from './submit.ts'

const pieceSize = { items: 10_000, characters: 4_000_000 }

/** What a batch of these texts would take. Nothing runs and nothing is stored; a large input is asked for piece by piece and added up. */
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
          input_tokens: sum.input_tokens + one.input_tokens,
          output_tokens: sum.output_tokens + one.output_tokens,
          cost_usd: sum.cost_usd === null || one.cost_usd === null ? null : sum.cost_usd + one.cost_usd,
        }
      }
      if (last) return sum
    }
  } finally {
    await pieces.close()
  }
}
