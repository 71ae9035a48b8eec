import { defineConfig } from '@sluice/config/define-config'

/** The tests' receiver, with the current secret and the one before. */
export default defineConfig({
  webhooks: [
    { url: process.env['TEST_WEBHOOK_URL'] ?? '', secrets: (process.env['TEST_WEBHOOK_SECRETS'] ?? '').split(',') },
  ],
  webhookAllow: ['127.0.0.0/8'],
})
