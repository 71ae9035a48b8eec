/** What a file is for. `batch_output`: the results of a batch over a file. */
export const filePurposes = ['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals'] as const
export type FilePurpose = (typeof filePurposes)[number] | 'batch_output'

export interface FileRecord {
  readonly id: string
  readonly bytes: number
  /** Unix ms. */
  readonly createdAt: number
  readonly filename: string
  readonly purpose: FilePurpose
  /** Unix ms; null: never. */
  readonly expiresAt: number | null
  /** The results of this batch are its content, which is not stored a second time; null: it has bytes of its own. */
  readonly output: { readonly batchId: string; readonly of: 'succeeded' | 'failed' } | null
}

/** The sweeper removes it a moment later. */
export function hasExpired({ expiresAt }: Pick<FileRecord, 'expiresAt'>): boolean {
  return expiresAt !== null && expiresAt <= Date.now()
}

export function packFile({ id: _id, expiresAt, output, ...fields }: FileRecord): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])),
    expiresAt: expiresAt === null ? '' : String(expiresAt),
    batchId: output?.batchId ?? '',
    of: output?.of ?? '',
  }
}

/** Null: there is no such file. */
export function parseFile(id: string, fields: Readonly<Record<string, string>>): FileRecord | null {
  const { bytes, createdAt, filename = '', purpose, expiresAt, batchId, of } = fields
  if (purpose === undefined) return null
  return {
    id,
    bytes: Number(bytes),
    createdAt: Number(createdAt),
    filename,
    purpose: purpose as FilePurpose,
    expiresAt: expiresAt ? Number(expiresAt) : null,
    output: batchId ? { batchId, of: of === 'failed' ? 'failed' : 'succeeded' } : null,
  }
}
