import { defineConfig } from '@sluice/config/define-config'

/** The lane of the benchmark as it would be without adapting: all the calls in flight that its workers may have. */
export default defineConfig({
  lanes: { default: { baseUrl: process.env['OPENAI_BASE_URL'], model: 'simulator', concurrency: 'fixed' } },
})
