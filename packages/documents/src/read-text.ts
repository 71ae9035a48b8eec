import { type DocumentText, unreadable } from './document-text.ts'

/** Plain text and Markdown, which a model reads as it is: UTF-8, or UTF-16 with a byte order mark. */
export function readText(bytes: Uint8Array): DocumentText {
  try {
    const text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes)
    if (!text.includes('\0')) return { type: 'text', text }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error
  }
  return unreadable('The document is not text in UTF-8: save it as that.')
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
}
