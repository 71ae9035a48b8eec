/** An idempotency key that nobody else has. */
export function randomKey(): string {
  // randomUUID is there only on pages that came by https.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
