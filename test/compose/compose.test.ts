import type { Result } from '@sluice/contract/result'
import type { Batch } from '@sluice/contract/batch'
import { expect, test } from 'vitest'
import { composeProject } from './compose-project.ts'
import { hasDocker, run } from './docker.ts'

test.skipIf(!hasDocker)(
  'in containers of at most 300 MB: three workers, one killed, scaled down and up again, and every item has exactly one result',
  async () => {
    const { compose, request, until } = await composeProject()
    await compose('up', '--build', '--detach', '--wait')
    const { stdout: bytes } = await run('docker', ['image', 'inspect', '--format', '{{.Size}}', 'sluice'])
    expect(Number(bytes)).toBeLessThan(300_000_000)

    expect((await request('/v1/batches', { headers: {} })).status).toBe(401)

    const texts = Array.from({ length: 300 }, (_, i) => `My name is Mary and I am ${i} years old`)
    const submitted = await request('/v1/batches', {
      method: 'POST',
      body: JSON.stringify({
        extractor: {
          schema: {
            type: 'object',
            properties: { name: { type: 'string' }, age: { type: 'integer' } },
            required: ['name', 'age'],
          },
        },
        items: texts,
      }),
    })
    expect(submitted.status).toBe(202)
    const { id } = (await submitted.json()) as Batch

    await compose('up', '--detach', '--wait', '--no-recreate', '--scale', 'worker=3')
    const workers = (await compose('ps', '--quiet', 'worker')).split('\n')
    expect(workers).toHaveLength(3)
    // More than one worker of concurrency 5 can run: the others take part.
    await until(id, ({ counts }) => counts.running > 10, 60_000)
    await run('docker', ['kill', workers[0]!])
    // Down to one and up again while the batch runs: stopped workers return their items at once.
    await compose('up', '--detach', '--no-recreate', '--scale', 'worker=1')
    await compose('up', '--detach', '--wait', '--no-recreate', '--scale', 'worker=3')
    const { counts: underWay } = await until(id, (batch) => batch.counts.succeeded > 0, 60_000)
    expect(underWay.succeeded).toBeLessThan(300)

    const { counts, status } = await until(id, (batch) => batch.status === 'completed', 180_000)
    expect({ counts, status }).toEqual({
      status: 'completed',
      counts: { total: 300, waiting: 0, running: 0, succeeded: 300, failed: 0, cancelled: 0 },
    })

    const lines = (await (await request(`/v1/batches/${id}/results`)).text()).trimEnd().split('\n')
    const results = lines.map((line) => JSON.parse(line) as Result)
    // Neither the kill nor the stops cost an attempt.
    expect(results.map(({ index, status, data, attempts }) => ({ index, status, data, attempts }))).toEqual(
      texts.map((_, index) => ({ index, status: 'succeeded', data: { name: 'Mary', age: index }, attempts: 1 })),
    )
  },
)
