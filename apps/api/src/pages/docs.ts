import express, { type Router } from 'express'
import { absolutePath } from 'swagger-ui-dist'

/** Swagger UI, served from here: no other host is asked for anything. */
export function createDocs(): Router {
  const router = express.Router()
  router.get('/', (_req, res) => {
    res.type('html').send(page)
  })
  router.get('/start.js', (_req, res) => {
    res.type('js').send(start)
  })
  router.use(express.static(absolutePath(), { index: false, maxAge: '1 h' }))
  return router
}

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Sluice API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`

const start = `window.SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null })\n`
