import { type Document, type DocumentLimits, type DocumentText, tooLarge, unreadable } from './document-text.ts'
import { readHtml } from './read-html.ts'
import { readPdf } from './read-pdf.ts'
import { readText } from './read-text.ts'

/**
 * The text of one document. Takes its thread for as long as it lasts, and may end its process, so it runs in a separate process (document-process.ts).
 * Whatever a document makes its reader throw is the document's fault: it is returned and not thrown.
 */
export async function readDocument({ kind, bytes }: Document, limits: DocumentLimits): Promise<DocumentText> {
  let read: DocumentText
  try {
    read = await readers[kind](bytes, limits)
  } catch (error) {
    return unreadable(`The document cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (read.type !== 'text') return read
  // Half a character, as a broken document may have, is not to be stored as text.
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
