/** A unique idempotency key. */
export function randomKey(): string {
  // randomUUID exists only on pages that were loaded by https.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
