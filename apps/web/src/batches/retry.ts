import type { Batch } from '@sluice/contract/batch'
import type { retried, retryBatch } from '@sluice/contract/result'
import { askFirst } from '../elements/dialog.ts'
import { sayDone, sayError } from '../elements/notice.ts'
import { money, plural } from '../format.ts'
import { ask, batchPath } from '../http.ts'

type Selection = Partial<(typeof retryBatch)['_output']>
type Retried = (typeof retried)['_output']

/** Counts first what would be retried and what it costs, and asks. */
export async function retryFailed(batch: Batch, selection: Selection, what: string): Promise<void> {
  const path = batchPath(batch.id, '/retry')
  try {
    const dry = await ask<Retried>('POST', path, { body: { ...selection, dry_run: true } })
    const cost = dry.estimate?.cost_usd ?? null
    if (dry.retried === 0) return sayDone('There is nothing to retry any more.')
    askFirst({
      title: `Retry ${plural(dry.retried, 'item')}?`,
      text: `${what}. ${cost === null ? 'What it costs is not known: the lane has no prices.' : `It costs about ${money(cost)}.`} Their present errors are replaced by the new results.`,
      action: cost === null ? `Retry ${plural(dry.retried, 'item')}` : `Retry for about ${money(cost)}`,
      async act() {
        try {
          const done = await ask<Retried>('POST', path, { body: selection })
          sayDone(`${plural(done.retried, 'item')} will be tried again.`)
        } catch (error) {
          sayError(error)
        }
      },
    })
  } catch (error) {
    sayError(error)
  }
}
