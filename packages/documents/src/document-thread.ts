import type { Document, DocumentLimits, DocumentText } from './document-text.ts'
import { readDocument } from './read-document.ts'

// What a broken document lets fail beside the reading itself, such as a promise that nobody waits for, shall not end the thread:
// the reading tells what came of it, or its time ends.
process.on('unhandledRejection', () => undefined)
process.on('uncaughtException', () => undefined)

/** What a thread of the pool runs. */
export default ({ document, limits }: { document: Document; limits: DocumentLimits }): Promise<DocumentText> =>
  readDocument(document, limits)
