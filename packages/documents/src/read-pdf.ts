import { getDocumentProxy } from 'unpdf'
import { type DocumentLimits, type DocumentText, tooLarge, unreadable } from './document-text.ts'

/** The texts of the pages in order, separated by blank lines. Pages are read one by one, so that the limits hold. */
export async function readPdf(bytes: Uint8Array, limits: DocumentLimits): Promise<DocumentText> {
  let pdf
  try {
    pdf = await getDocumentProxy(bytes, { verbosity: 0, maxImageSize: 0 })
  } catch (error) {
    const { name, message } = error as Error
    if (name === 'PasswordException') return unreadable('The PDF is encrypted: send it without its password.')
    return unreadable(`The PDF is broken: ${message}`)
  }
  try {
    return await readPages(pdf, limits)
  } finally {
    await pdf.loadingTask.destroy()
  }
}

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>

async function readPages(pdf: Pdf, { pages, characters }: DocumentLimits): Promise<DocumentText> {
  if (pdf.numPages > pages) {
    return tooLarge(
      `The PDF has ${pdf.numPages.toLocaleString('en')} pages, and at most ${pages.toLocaleString('en')} are read.`,
    )
  }
  const texts: string[] = []
  let length = 0
  for (let number = 1; number <= pdf.numPages && length <= characters; number += 1) {
    const page = await pdf.getPage(number)
    const { items } = await page.getTextContent()
    const text = items
      .map((item) => ('str' in item ? `${item.str}${item.hasEOL ? '\n' : ''}` : ''))
      .join('')
      .trim()
    page.cleanup()
    length += text.length
    texts.push(text)
  }
  return { type: 'text', text: texts.join('\n\n') }
}
