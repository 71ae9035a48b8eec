import { defineConfig } from '@sluice/config/define-config'

/** US dollars per million tokens. One dollar is a thousand nano-dollars a token, so that costs are whole numbers. */
export const prices = { input: 1, output: 4 }

export default defineConfig({
  lanes: {
    default: { baseUrl: process.env['OPENAI_BASE_URL'], model: 'simulator', timeoutMs: 20_000, prices },
  },
})
