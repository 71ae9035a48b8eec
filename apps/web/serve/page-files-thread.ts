import { readdir, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join, resolve } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { gzipSync } from 'node:zlib'
import { libraries } from './libraries.ts'
import type { PageFile } from './page-files.ts'

// A thread of page-files.ts: it sends all files at once, and ends.
const root = resolve(import.meta.dirname, '..')
const files = new Map<string, PageFile>()

for (const name of (await readdir(join(root, 'src'), { recursive: true })).sort()) {
  const path = `src/${name.replaceAll('\\', '/')}`
  if (/(?<!\.test)\.ts$/.test(path)) add(path, stripTypeScriptTypes(await readFile(join(root, path), 'utf8')))
  else if (extname(path) === '.css') add(path, await readFile(join(root, path), 'utf8'))
}
for (const { file, more = [] } of libraries) {
  for (const path of [file, ...more]) add(`lib/${path}`, await readFile(join(root, 'node_modules', path), 'utf8'))
}
parentPort!.postMessage(files)

function add(path: string, text: string): void {
  // Source maps are not served: without this line developer tools do not ask for them.
  const body = Buffer.from(text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'))
  files.set(path, {
    type: path.endsWith('.css') ? 'text/css' : 'text/javascript',
    body: Uint8Array.from(body),
    gzip: Uint8Array.from(gzipSync(body)),
  })
}
