import { extname } from 'node:path'

export type DocumentKind = 'text' | 'html' | 'pdf'

const kindOfExtension: Readonly<Record<string, DocumentKind>> = {
  '.txt': 'text',
  '.text': 'text',
  '.md': 'text',
  '.markdown': 'text',
  '.html': 'html',
  '.htm': 'html',
  '.xhtml': 'html',
  '.pdf': 'pdf',
}
const kindOfType: Readonly<Record<string, DocumentKind>> = {
  'text/plain': 'text',
  'text/markdown': 'text',
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'application/pdf': 'pdf',
}

export const readableDocuments = 'text (.txt), Markdown (.md), HTML (.html) and PDF (.pdf)'

/** By the file name, then by the media type, because many senders always send `application/octet-stream`. Null if neither is known. */
export function documentKind(fileName: string, mediaType: string): DocumentKind | null {
  return kindOfExtension[extname(fileName).toLowerCase()] ?? kindOfType[mediaType.toLowerCase()] ?? null
}
