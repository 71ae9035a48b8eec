import { defineConfig } from '@sluice/config/define-config'

/** Two lanes with prices: batches show what they cost, and one can stand still while the other works. */
const lane = {
  baseUrl: process.env['OPENAI_BASE_URL'],
  model: 'simulator',
  prices: { input: 0.4, output: 1.6 },
  retry: { unavailable: 2, baseMs: 20, capMs: 200 },
}
export default defineConfig({ lanes: { default: lane, nightly: { ...lane, rpm: 600 } } })
