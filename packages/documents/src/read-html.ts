import sniffEncoding from 'html-encoding-sniffer'
import { type HtmlToTextOptions, convert } from 'html-to-text'
import type { DocumentText } from './document-text.ts'

/** Deeper pages are cut with `…`, because the converter's recursion would exhaust the stack. */
const mostLevels = 500

/** Headings keep their case, tables stay tables; of links only the text remains, and images are left out. */
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
  // By default it reads at most 16 million characters and ignores the rest silently.
  const limits = { maxInputLength: html.length, maxDepth: mostLevels }
  return { type: 'text', text: convert(html, { ...options, limits }) }
}
