import { type Document, type DocumentLimits, type DocumentText, tooLarge, unreadable } from './document-text.ts'
import { readHtml } from './read-html.ts'
import { readPdf } from './read-pdf.ts'
import { readText } from './read-text.ts'

/**
 * The text of one document. It blocks its thread and may end its process, so it runs in a separate process (document-process.ts).
 * An error that a document causes is returned, not thrown.
 */
export async function readDocument({ kind, bytes }: Document, limits: DocumentLimits): Promise<DocumentText> {
  let read: DocumentText
  try {
    read = await readers[kind](bytes, limits)
  } catch (error) {
    return unreadable(`The document cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (read.type !== 'text') return read
  // A broken document may contain half a character, which must not be stored.
  const text = read.text.replaceAll('\0', '').toWellFormed().trim()
  if (text === '') return unreadable(withoutText[kind])
  if (text.length > limits.characters) {
    return tooLarge(
      `The document has more text than ${limits.characters.toLocaleString('en')} characters: send it in parts.`,
    )
  }
  return { type: 'text', text }
}

const readers = { text: readText, html: readHtml, pdf: readPdf }
const withoutText = {
  text: 'The document is empty.',
  html: 'The page has no text.',
  pdf: 'The PDF has no text: are its pages pictures? Recognise their text (OCR) first.',
}
