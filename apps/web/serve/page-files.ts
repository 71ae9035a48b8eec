import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { libraries } from './libraries.ts'

/** One file of the page as it goes over the network. */
export interface PageFile {
  readonly type: 'text/javascript' | 'text/css'
  readonly body: Uint8Array
  readonly gzip: Uint8Array
}

export interface PageFiles {
  /** By path, such as `src/main.ts`. */
  readonly files: ReadonlyMap<string, PageFile>
  /** Derived from all contents, so that a browser may keep a file for ever. */
  readonly version: string
}

/**
 * Reads the modules and style sheets of the page, removes the types and compresses them. It takes some 200 ms of processor time, so it
 * runs on a thread; there the warning that `stripTypeScriptTypes` is experimental is turned off, too.
 */
export function readPageFiles(): Promise<PageFiles> {
  const { promise, resolve, reject } = Promise.withResolvers<PageFiles>()
  const thread = new Worker(new URL('page-files-thread.ts', import.meta.url), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  thread.once('message', (files: ReadonlyMap<string, PageFile>) => {
    const hash = createHash('sha256')
    for (const [path, { body }] of files) hash.update(`${path}\0${body.length}\0`).update(body)
    resolve({ files, version: hash.digest('hex').slice(0, 12) })
  })
  thread.once('error', reject)
  thread.once('exit', () => reject(new Error('The thread that reads the page ended without a result.')))
  return promise
}

/** `base`: the path that all files are served below. */
export function renderImportMap(base: string): string {
  const imports = Object.fromEntries(libraries.map(({ name, file }) => [name, `${base}/lib/${file}`]))
  return JSON.stringify({ imports })
}

export interface PageOptions {
  readonly base: string
  readonly importMap: string
  readonly modules: readonly string[]
  /** With keys there is a session, so there is a log-out. */
  readonly secured: boolean
}

/** The one HTML document. Its only inline content is the import map, which the policy allows by its hash. */
export function renderDocument({ base, importMap, modules, secured }: PageOptions): string {
  return `<!doctype html>
<html lang="en" data-secured="${secured}">
  <head>
    <meta charset="utf-8" />
    <title>Sluice</title>
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <script src="${base}/src/first-theme.ts"></script>
    <link rel="stylesheet" href="${base}/lib/uplot/dist/uPlot.min.css" />
    <link rel="stylesheet" href="${base}/src/style.css" />
    <link rel="icon" href="${icon}" />
    <script type="importmap">${importMap}</script>
${modules.map((path) => `    <link rel="modulepreload" href="${base}/${path}" />`).join('\n')}
    <script type="module" src="${base}/src/main.ts"></script>
  </head>
  <body>
    <div id="page"></div>
    <noscript>This page needs JavaScript. Without it, use the API: /docs.</noscript>
  </body>
</html>
`
}

const icon = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#2457d6"/><path d="M4 4h8M4 8h5M4 12h2" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>',
)}`
