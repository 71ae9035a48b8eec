import type { FileBatchRecord } from '@sluice/engine/file-batches/file-batch-store'
import type { FileRecord } from '@sluice/engine/files/file-record'
import type { FileUpload } from '@sluice/engine/files/file-uploads'

const seconds = (ms: number) => Math.floor(ms / 1_000)
const optionalSeconds = (ms: number | null) => (ms === null ? null : seconds(ms))

/** Objects as OpenAI's API has them: every field is there, as null where it has no value. */

export function fileObject({ id, bytes, createdAt, expiresAt, filename, purpose }: FileRecord) {
  return {
    id,
    object: 'file',
    bytes,
    created_at: seconds(createdAt),
    expires_at: optionalSeconds(expiresAt),
    filename,
    purpose,
    // Anything else would keep the SDK's `waitForProcessing` waiting: a file's lines are checked when a batch reads it.
    status: 'processed',
    status_details: null,
  }
}

export function uploadObject(upload: FileUpload, file: FileRecord | null) {
  return {
    id: upload.id,
    object: 'upload',
    bytes: upload.bytes,
    created_at: seconds(upload.createdAt),
    expires_at: seconds(upload.expiresAt),
    filename: upload.filename,
    purpose: upload.purpose,
    status: upload.status,
    file: file === null ? null : fileObject(file),
  }
}

export function batchObject(record: FileBatchRecord) {
  const { usage, errors } = record
  return {
    id: record.id,
    object: 'batch',
    endpoint: record.endpoint,
    model: record.model,
    errors: errors === null ? null : { object: 'list', data: errors },
    input_file_id: record.inputFileId,
    completion_window: record.completionWindow,
    status: record.status,
    output_file_id: record.outputFileId,
    error_file_id: record.errorFileId,
    created_at: seconds(record.createdAt),
    in_progress_at: optionalSeconds(record.inProgressAt),
    expires_at: seconds(record.expiresAt),
    finalizing_at: optionalSeconds(record.finalizingAt),
    completed_at: optionalSeconds(record.completedAt),
    failed_at: optionalSeconds(record.failedAt),
    expired_at: optionalSeconds(record.expiredAt),
    cancelling_at: optionalSeconds(record.cancellingAt),
    cancelled_at: optionalSeconds(record.cancelledAt),
    request_counts: record.counts ?? { total: 0, completed: 0, failed: 0 },
    usage:
      usage === null
        ? null
        : {
            input_tokens: usage.inputTokens,
            input_tokens_details: { cached_tokens: usage.cachedTokens },
            output_tokens: usage.outputTokens,
            output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
            total_tokens: usage.inputTokens + usage.outputTokens,
          },
    metadata: record.metadata,
  }
}
