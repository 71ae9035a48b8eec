import { SluiceError } from '@sluice/contract/error'

/** The part of one request in the memory that all requests share. */
export interface MemoryShare {
  /** Throws a refusal with 503 and Retry-After where all requests together would hold too much. */
  take(bytes: number): void
  give(bytes: number): void
  /** Gives back what is left. Safe to call twice. */
  close(): void
}

export interface Memory {
  open(): MemoryShare
  readonly usedBytes: number
}

/**
 * Bounds what the bodies of all requests hold at once, so that many at a time are refused instead of ending the process.
 * A request never waits for memory while it holds some: two that do so would wait for each other.
 */
export function createMemory(limitBytes: number): Memory {
  let usedBytes = 0
  return {
    get usedBytes() {
      return usedBytes
    },
    open() {
      let held = 0
      return {
        take(bytes) {
          if (usedBytes + bytes > limitBytes) {
            throw new SluiceError(
              'overloaded_error',
              'out_of_memory',
              'The bodies of all requests take too much memory now. Send this one again shortly, or smaller ones.',
              { retryAfterS: 1 },
            )
          }
          held += bytes
          usedBytes += bytes
        },
        give(bytes) {
          const given = Math.min(bytes, held)
          held -= given
          usedBytes -= given
        },
        close() {
          usedBytes -= held
          held = 0
        },
      }
    },
  }
}

/** For code that reads a body outside of a request, as tests do. */
export const unlimitedMemory: MemoryShare = { take: () => undefined, give: () => undefined, close: () => undefined }
