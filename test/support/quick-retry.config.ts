import { defineConfig } from '@sluice/config/define-config'

/** All tries of an item within a second, and few: a provider that only fails is soon asked slowly. */
export default defineConfig({
  lanes: {
    default: {
      baseUrl: process.env['OPENAI_BASE_URL'],
      model: 'simulator',
      retry: { unavailable: 3, baseMs: 20, capMs: 200 },
    },
  },
})
