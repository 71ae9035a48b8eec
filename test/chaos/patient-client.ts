import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from '@sluice/contract/batch'
import type { FailureGroupList } from '@sluice/contract/batch-item'
import type { Result } from '@sluice/contract/result'

const againMs = 200

/** A well-behaved client: it repeats failed requests, with an idempotency key, and resumes its stream from its cursor. */
export interface PatientClient {
  submit(key: string, body: object): Promise<Batch>
  batch(id: string): Promise<Batch>
  failures(id: string): Promise<FailureGroupList>
  resumeLane(): Promise<void>
  /** Reads every result in order of completion until the batch has ended. */
  follow(id: string, onResult: (result: Result) => void): Promise<void>
  all(id: string): Promise<Result[]>
}

export function createPatientClient(baseUrl: string, signal: AbortSignal): PatientClient {
  const persistently = async <T>(act: () => Promise<T | undefined>): Promise<T> => {
    let problem = 'nothing went wrong'
    for (;;) {
      if (signal.aborted) throw new Error(`${String(signal.reason)} Last: ${problem}`)
      const done = await act().catch((error: unknown) => void (problem = describe(error)))
      if (done !== undefined) return done
      await sleep(againMs)
    }
  }
  const json = async <T>(path: string, init: RequestInit = {}): Promise<T | undefined> => {
    const response = await fetch(`${baseUrl}${path}`, { ...init, signal: AbortSignal.timeout(10_000) })
    const body = (await response.json()) as T
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`)
    return body
  }

  const client: PatientClient = {
    submit: (key, body) =>
      persistently(() =>
        json<Batch>('/v1/batches', {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': key },
          body: JSON.stringify(body),
        }),
      ),
    batch: (id) => persistently(() => json<Batch>(`/v1/batches/${id}`)),
    failures: (id) => persistently(() => json<FailureGroupList>(`/v1/batches/${id}/errors`)),
    resumeLane: async () =>
      void (await persistently(() => json<object>('/v1/lanes/default/resume', { method: 'POST' }))),
    async follow(id, onResult) {
      let after = ''
      await persistently(async () => {
        const cursor = after === '' ? '' : `&after=${after}`
        const response = await fetch(`${baseUrl}/v1/batches/${id}/results?order=completion&follow=true${cursor}`, {
          signal,
        })
        if (!response.ok) return undefined
        let text = ''
        const decoder = new TextDecoder()
        for await (const chunk of response.body!) {
          text += decoder.decode(chunk as Uint8Array, { stream: true })
          const lines = text.split('\n')
          text = lines.pop() ?? ''
          for (const line of lines) {
            const result = JSON.parse(line) as Result
            onResult(result)
            after = result.cursor
          }
        }
        const { status } = await client.batch(id)
        return status === 'completed' ? true : undefined
      })
    },
    all: (id) =>
      persistently(async () => {
        const response = await fetch(`${baseUrl}/v1/batches/${id}/results`, { signal })
        if (!response.ok) return undefined
        return (await response.text())
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as Result)
      }),
  }
  return client
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
