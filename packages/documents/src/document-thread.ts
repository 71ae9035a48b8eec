import type { Document, DocumentLimits, DocumentText } from './document-text.ts'
import { readDocument } from './read-document.ts'

/** What a thread of the pool runs. */
export default ({ document, limits }: { document: Document; limits: DocumentLimits }): Promise<DocumentText> =>
  readDocument(document, limits)
