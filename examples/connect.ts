import { createClient } from '@sluice/client'

/** The server that `start` runs with the same PORT, or the one in SLUICE_URL. */
export const sluice = createClient({
  baseUrl: process.env['SLUICE_URL'] ?? `http://127.0.0.1:${process.env['PORT'] ?? '3000'}`,
  apiKey: process.env['SLUICE_API_KEY'],
})
