import { createClient } from '@sluice/client'

/** The server that `pnpm start` brings up, or another one. */
export const sluice = createClient({
  baseUrl: process.env['SLUICE_URL'] ?? 'http://127.0.0.1:3000',
  apiKey: process.env['SLUICE_API_KEY'],
})
