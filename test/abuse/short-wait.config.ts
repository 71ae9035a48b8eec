import { defineConfig } from '@sluice/config/define-config'

/** Whatever the provider asks for, the lane waits for 3 s at most. */
export default defineConfig({
  lanes: { default: { baseUrl: process.env['OPENAI_BASE_URL'], model: 'simulator', longestWaitS: 3 } },
})
