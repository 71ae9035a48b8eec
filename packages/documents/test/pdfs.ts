import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { createDeflate } from 'node:zlib'
import PdfDocument from 'pdfkit'

/** A real PDF, a page for each text; with a password, encrypted by it. */
export async function makePdf(pages: readonly string[], { password }: { password?: string } = {}) {
  const document = new PdfDocument({
    autoFirstPage: false,
    ...(password === undefined ? {} : { userPassword: password, pdfVersion: '1.7' as const }),
  })
  const written = buffer(document)
  for (const page of pages) document.addPage().text(page)
  document.end()
  return new Uint8Array(await written)
}

/** A PDF of one page whose content is `megabytes` of blanks when it is unpacked, and a thousandth of it before. */
export async function makeBomb(megabytes: number) {
  const blanks = Buffer.alloc(1_048_576, ' ')
  const content = await buffer(Readable.from(Array.from({ length: megabytes }, () => blanks)).pipe(createDeflate()))
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R >>',
  ].map((object, i) => `${i + 1} 0 obj\n${object}\nendobj\n`)
  return new Uint8Array(
    Buffer.concat([
      Buffer.from(`%PDF-1.4\n${objects.join('')}`),
      Buffer.from(`4 0 obj\n<< /Length ${content.length} /Filter /FlateDecode >>\nstream\n`),
      content,
      Buffer.from('\nendstream\nendobj\ntrailer\n<< /Root 1 0 R /Size 5 >>\n%%EOF\n'),
    ]),
  )
}
