import { createHash } from 'node:crypto'

/** 128 bits of SHA-256, in 22 characters: enough that two texts of a batch never share one. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url')
}
