import type { Engine } from '@sluice/engine/engine'
import { Router } from 'express'
import { batchRoutes } from './batches.ts'
import { OpenAiError } from './errors.ts'
import { fileRoutes } from './files.ts'
import { idOf, type OpenAiRoutes } from './routes.ts'
import { uploadRoutes } from './uploads.ts'

/** Any time before the first request. */
const modelsCreated = 1_700_000_000

/** OpenAI's Files, Uploads, Batches and Models, over the lanes of this server. */
export function createOpenAiRouter(engine: Engine, { stopping }: { readonly stopping: AbortSignal }): Router {
  const routes: OpenAiRoutes = {
    ...fileRoutes(engine, stopping),
    ...uploadRoutes(engine),
    ...batchRoutes(engine),
    ...modelRoutes(engine),
  }
  const router = Router()
  for (const [name, handle] of Object.entries(routes)) {
    const [method = '', path = ''] = name.split(' ')
    router[method as 'get' | 'post' | 'delete'](path, async (req, res) => {
      const answer = await handle(req, res)
      if (answer !== 'written') res.json(answer)
    })
  }
  router.use((req) => {
    throw new OpenAiError(404, `Invalid URL (${req.method} /openai/v1${req.path})`)
  })
  return router
}

function modelRoutes({ models }: Engine): OpenAiRoutes {
  const model = (id: string) => ({ id, object: 'model', created: modelsCreated, owned_by: 'sluice' })
  return {
    'get /models': async () => ({ object: 'list', data: models.names.map(model) }),
    async 'get /models/:id'(req) {
      const id = idOf(req)
      if (models.find(id) === null)
        throw new OpenAiError(404, `The model '${id}' does not exist`, { code: 'model_not_found', param: 'model' })
      return model(id)
    },
  }
}
