import sniffEncoding from 'html-encoding-sniffer'
import { type HtmlToTextOptions, convert } from 'html-to-text'
import type { DocumentText } from './document-text.ts'

/** Deeper pages are cut with `…`: beyond, the converter's recursion would end the stack. */
const mostLevels = 500

/** Headings as they are written, tables as tables, links and pictures by their text alone. */
const options: HtmlToTextOptions = {
  wordwrap: false,
  selectors: [
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
    { selector: 'a', options: { ignoreHref: true } },
    { selector: 'img', format: 'skip' },
  ],
}

export function readHtml(bytes: Uint8Array): DocumentText {
  const html = new TextDecoder(sniffEncoding(bytes, { defaultEncoding: 'UTF-8' })).decode(bytes)
  // By default it reads no more than 16 million characters, and says nothing of the rest.
  const limits = { maxInputLength: html.length, maxDepth: mostLevels }
  return { type: 'text', text: convert(html, { ...options, limits }) }
}
