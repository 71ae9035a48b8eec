import { type Extractor, extractorName, extractorReference } from '@sluice/contract/extractor'
import { notFound } from '@sluice/contract/error'
import type { Engine } from '@sluice/engine/engine'
import { toStrictSchema } from '@sluice/schema/strict'
import { checkRecipe, type CheckSchema } from '../intake/extractor-choice.ts'
import type { Handlers } from '../http/mount.ts'

export function extractorRoutes(
  engine: Engine,
  checkSchema: CheckSchema,
): Pick<Handlers, 'createExtractor' | 'listExtractors' | 'getExtractor' | 'listVersions' | 'getBatchExtractor'> {
  return {
    async createExtractor({ body }) {
      const warnings = checkRecipe(body, { lanes: engine.lanes, checkSchema })
      const { extractor, created } = await engine.extractors.put(body)
      return { status: created ? 201 : 200, body: { ...withWireForm(extractor), warnings } }
    },
    async listExtractors({ query }) {
      return { status: 200, body: { object: 'list', ...(await engine.extractors.list(query)) } }
    },
    async listVersions({ params: { name = '' }, query }) {
      if (!extractorName.safeParse(name).success) throw notFound('extractor', name)
      return { status: 200, body: await engine.extractors.versions(name, query) }
    },
    async getBatchExtractor({ params: { id = '' } }) {
      return { status: 200, body: withWireForm(await engine.insight.extractor(id)) }
    },
    async getExtractor({ params: { reference = '' } }) {
      if (!extractorReference.safeParse(reference).success) throw notFound('extractor', reference)
      return { status: 200, body: withWireForm(await engine.extractors.get(reference)) }
    },
  }
}

function withWireForm(extractor: Extractor) {
  const { schema: _schema, ...wire } = toStrictSchema(extractor.schema)
  return { ...extractor, wire }
}
