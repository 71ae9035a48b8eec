import { parse } from '@sluice/contract/parse'
import type { ConnectionOptions } from 'bullmq'
import { type WebhookJob, webhookJob, webhookLock, webhooksQueueName } from '../queues/jobs.ts'
import { createSupervisor, RunAgain, type Supervisor } from '../queues/supervisor.ts'
import type { RedisGate } from '../redis/gate.ts'
import type { Keys } from '../redis/keys.ts'
import type { Deliver } from './deliver.ts'

/** Requests of one process in flight, to all endpoints. */
const atOnce = 400

export interface WebhookWorkerDependencies {
  readonly connection: ConnectionOptions
  readonly gate: RedisGate
  readonly keys: Keys
  readonly deliver: Deliver
  readonly onError: (error: Error) => void
}

/** Runs the queue `webhooks`: one durable job per delivery, which is delayed between its attempts. */
export function createWebhookWorker(dependencies: WebhookWorkerDependencies): Supervisor {
  const { connection, gate, keys, deliver, onError } = dependencies
  return createSupervisor<WebhookJob>({
    name: webhooksQueueName,
    prefix: keys.webhooksQueuePrefix,
    connection,
    atOnce,
    times: webhookLock,
    gate,
    onError,
    async run(job, signal) {
      const { delivery_id: id, round } = parse(webhookJob.loose(), job.data)
      const delivered = await deliver({ id, round }, { signal })
      return delivered.type === 'later' ? new RunAgain(delivered.at) : { delivery_id: id }
    },
  })
}
