import { batchOptions, liveOptions } from '@sluice/contract/batch'
import { exampleOption } from '@sluice/contract/option-example'
import { readRecipe } from '@sluice/engine/ledger/batch-meta'
import { expect, test } from 'vitest'
import { inline, testSluice, texts } from './harness.ts'

const live: readonly string[] = liveOptions
const fixed = Object.entries(batchOptions.shape).filter(([name]) => !live.includes(name) && name !== 'metadata')

test.each(fixed)('the option %s reaches the workers', async (name, schema) => {
  const sluice = testSluice()
  // The option `webhook` is refused where nothing could sign it.
  sluice.webhooks = { endpoints: [], secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], allow: [] }
  const engine = await sluice.engine()
  const value = exampleOption(schema)
  const options = batchOptions.parse({ [name]: value })
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
  const recipe = await readRecipe(sluice.redis, sluice.keys.batch(batch.id))
  expect(recipe).toMatchObject({ task: inline, cutsTexts: true, options: { [name]: value } })
})
