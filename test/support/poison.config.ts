import { defineConfig } from '@sluice/config/define-config'
import { z } from 'zod'

/** A check in the author's code ends the process at one answer, as a bug in native code or a full heap would. */
export default defineConfig({
  lanes: { default: { baseUrl: process.env['OPENAI_BASE_URL'], model: 'simulator' } },
  extractors: [
    {
      name: 'poison',
      instructions: 'Extract the person.',
      schema: z.object({ name: z.string(), age: z.int() }).refine(({ age }) => {
        if (age === 99) process.kill(process.pid, 'SIGKILL')
        return true
      }),
    },
  ],
})
