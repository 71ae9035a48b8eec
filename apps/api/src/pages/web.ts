import { createHash } from 'node:crypto'
import { libraries } from '@sluice/web/libraries'
import { type PageFiles, readPageFiles, renderDocument, renderImportMap } from '@sluice/web/page-files'
import { viewPaths } from '@sluice/web/views'
import express, { type RequestHandler, type Router } from 'express'

/** Where the page's files are; the version below it changes with their content. */
const webFiles = '/web'

interface ReadyPage {
  readonly base: string
  readonly files: PageFiles['files']
  readonly document: string
  readonly policy: string
}

/** The page of apps/web: one document for every view, and its modules. Read when it is first asked for, so that it costs other processes nothing. */
export function createWeb({ secured }: { secured: boolean }): Router {
  let reading: Promise<ReadyPage> | undefined
  const ready = (): Promise<ReadyPage> => {
    reading ??= readPage(secured).catch((error: unknown) => {
      reading = undefined
      throw error
    })
    return reading
  }

  const sendDocument: RequestHandler = async (_req, res) => {
    const { document, policy } = await ready()
    res.set('content-security-policy', policy).type('html').send(document)
  }
  const sendFile: RequestHandler = async (req, res, next) => {
    const { base, files } = await ready()
    const file = req.path.startsWith(`${base}/`) ? files.get(req.path.slice(base.length + 1)) : undefined
    if (file === undefined) return next()
    const packed = req.acceptsEncodings(['gzip', 'identity']) === 'gzip'
    res.set({
      'content-type': `${file.type}; charset=utf-8`,
      'cache-control': 'private, max-age=31536000, immutable',
      vary: 'accept-encoding',
      ...(packed ? { 'content-encoding': 'gzip' } : {}),
    })
    return res.send(Buffer.from(packed ? file.gzip : file.body))
  }

  const router = express.Router()
  // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 hands a rejection on to the error handler.
  router.route(Object.values(viewPaths)).get(sendDocument)
  // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- As above.
  router.route(`${webFiles}/{*path}`).get(sendFile)
  return router
}

async function readPage(secured: boolean): Promise<ReadyPage> {
  const { files, version } = await readPageFiles()
  const base = `${webFiles}/${version}`
  const importMap = renderImportMap(base)
  const ofStart = libraries.filter(({ load }) => load === 'start').map(({ file }) => `lib/${file}`)
  const own = [...files.keys()].filter((path) => path.startsWith('src/') && path.endsWith('.ts'))
  const modules = [...ofStart, ...own.filter((path) => path !== 'src/first-theme.ts')]
  const hash = createHash('sha256').update(importMap).digest('base64')
  return {
    base,
    files,
    document: renderDocument({ base, importMap, modules, secured }),
    policy: [
      "default-src 'none'",
      `script-src 'self' 'sha256-${hash}'`,
      "style-src 'self'",
      "img-src 'self' data:",
      "connect-src 'self'",
      // No text becomes HTML: a browser refuses `innerHTML` and the like.
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'self'",
    ].join('; '),
  }
}
