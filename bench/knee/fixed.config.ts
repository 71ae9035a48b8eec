import { defineConfig } from '@sluice/config/define-config'

/** The benchmark's lane without adapting: always all the calls in flight that its workers may have. */
export default defineConfig({
  lanes: { default: { baseUrl: process.env['OPENAI_BASE_URL'], model: 'simulator', concurrency: 'fixed' } },
})
