import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { findFreePort } from '@sluice/local/processes/ports'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKeys } from '@sluice/engine/redis/keys'
import { extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

/** A Redis that only this file uses: its tests make it refuse writes. */
let own: Awaited<ReturnType<typeof startOwnRedis>>
let admin: Redis
beforeAll(async () => {
  own = await startOwnRedis()
  admin = new Redis(own.url)
  // The tests see whether it answers.
  admin.on('error', () => {})
})
afterAll(async () => {
  admin.disconnect()
  await own[Symbol.asyncDispose]()
})

const inFlight = 12

/** A provider whose calls end when the test says so. */
function heldCalls() {
  let made = 0
  let free = true
  const open = Promise.withResolvers<void>()
  return {
    get made() {
      return made
    },
    hold() {
      made = 0
      free = false
    },
    release() {
      free = true
      open.resolve()
    },
    async answer() {
      made += 1
      if (!free) await open.promise
      return extracted({ ok: true })
    },
  }
}

async function until(what: string, isTrue: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`Not within ${limitMs} ms: ${what}`)
    await sleep(20)
  }
}

async function batchInFlight(items: number) {
  const sluice = testSluice({ concurrency: 'fixed' }, own.url)
  const engine = await sluice.engine()
  const calls = heldCalls()
  const worker = await sluice.worker(() => calls.answer(), { concurrency: inFlight })
  // A lane that has had answers lets more calls begin at once.
  const earlier = await engine.batches.create({ extractor: inline, options }, texts(2 * inFlight))
  await readAll(engine, earlier.batch.id)
  calls.hold()
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(items))
  await until('12 calls are in flight', () => calls.made === inFlight)
  // The ledger's permission for the next calls holds 250 ms; then it is asked again, and Redis refuses that.
  await sleep(400)
  const k = createKeys(sluice.prefix).batch(batch.id)
  const succeeded = async () => Number(await admin.hget(k.meta, 'succeeded'))
  return { sluice, engine, worker, batch, calls, succeeded }
}

async function expectAllPaidOnce({ engine, batch, calls }: Awaited<ReturnType<typeof batchInFlight>>, items: number) {
  const results = await readAll(engine, batch.id)
  expect(results.map(({ status }) => status)).toEqual(Array(items).fill('succeeded'))
  expect(calls.made).toBe(items)
  expect((await engine.batches.get(batch.id)).usage).toMatchObject({
    calls: items,
    repeated_calls: 0,
    input_tokens: 10 * items,
  })
}

async function keepsWhile(code: string, refusal: Refusal): Promise<'kept'> {
  const items = 3 * inFlight
  const running = await batchInFlight(items)
  const { calls, sluice, succeeded } = running
  await refusal.begin()
  try {
    calls.release()
    await until('the refusal is reported', () => sluice.errors.some(({ message }) => message.includes(code)))
    // Longer than the pause between two attempts to write.
    await sleep(1_500)
    expect(await succeeded()).toBe(0)
    expect(calls.made).toBe(inFlight)
  } finally {
    await refusal.end()
  }
  await expectAllPaidOnce(running, items)
  return 'kept'
}

interface Refusal {
  begin(): Promise<unknown>
  end(): Promise<unknown>
}

/** Each makes Redis refuse every write. */
const refusals: [string, Refusal][] = [
  [
    'READONLY',
    {
      begin: async () => admin.replicaof('127.0.0.1', await findFreePort()),
      end: () => admin.replicaof('NO', 'ONE'),
    },
  ],
  [
    'NOREPLICAS',
    {
      begin: () => admin.config('SET', 'min-replicas-to-write', '1'),
      end: () => admin.config('SET', 'min-replicas-to-write', '0'),
    },
  ],
]

/** The last one: afterwards this Redis has no folder to save to. */
const misconf: [string, Refusal] = [
  'MISCONF',
  {
    // What a full disk does: the snapshot in the background fails, and Redis stops writes. The append-only file is open already.
    async begin() {
      const [, directory] = (await admin.config('GET', 'dir')) as [string, string]
      await rm(directory, { recursive: true })
      await admin.config('SET', 'stop-writes-on-bgsave-error', 'yes')
      await admin.config('SET', 'save', '3600 1')
      await admin.bgsave()
      await until('the snapshot has failed', async () =>
        (await admin.info('persistence')).includes('rdb_last_bgsave_status:err'),
      )
    },
    end: () => admin.config('SET', 'stop-writes-on-bgsave-error', 'no'),
  },
]

describe('an answer that was paid', () => {
  test.each(refusals)('is kept while Redis refuses writes with %s, recorded and paid once', async (code, refusal) => {
    expect(await keepsWhile(code, refusal)).toBe('kept')
  })

  test('is recorded in the last memory of Redis, and nothing new begins until there is more', async () => {
    const items = 3 * inFlight
    const running = await batchInFlight(items)
    const { calls, succeeded } = running
    await admin.config('SET', 'maxmemory', '1')
    try {
      calls.release()
      await until('the answers are recorded', async () => (await succeeded()) === inFlight)
      await sleep(500)
      expect(calls.made).toBe(inFlight)
    } finally {
      await admin.config('SET', 'maxmemory', '0')
    }
    await expectAllPaidOnce(running, items)
  })

  test.each(['while Redis is away', 'afterwards'])(
    'that comes %s is recorded although Redis is away for longer than the lock of its job, and no other worker calls for it',
    async (when) => {
      const running = await batchInFlight(inFlight)
      const { calls, sluice, engine } = running
      const second = await sluice.worker(() => calls.answer(), { concurrency: inFlight })
      await own.kill()
      if (when === 'while Redis is away') calls.release()
      await sleep(17_000)
      await own.start()
      await until('the engine is connected again', () =>
        engine.ping().then(
          () => true,
          () => false,
        ),
      )
      // Longer than the time after which every worker looks for jobs without a lock.
      if (when === 'afterwards') await sleep(4_000)
      calls.release()
      await expectAllPaidOnce(running, inFlight)
      expect(calls.made).toBe(inFlight)
      await second.close(0)
    },
  )

  test('does not keep a worker from ending when Redis takes no writes until the end of the grace', async () => {
    const { calls, worker, sluice } = await batchInFlight(inFlight)
    await admin.config('SET', 'min-replicas-to-write', '1')
    try {
      calls.release()
      await until('the refusal is reported', () => sluice.errors.length > 0)
      const began = Date.now()
      await worker.close(500)
      expect(Date.now() - began).toBeLessThan(5_000)
    } finally {
      await admin.config('SET', 'min-replicas-to-write', '0')
    }
  })
})

describe('while Redis refuses writes', () => {
  test('a worker reports it a few times instead of repeating its commands without a pause', async () => {
    const { calls, sluice } = await batchInFlight(3 * inFlight)
    const before = commands(await admin.info('stats'))
    await admin.config('SET', 'min-replicas-to-write', '1')
    try {
      calls.release()
      await sleep(3_000)
    } finally {
      await admin.config('SET', 'min-replicas-to-write', '0')
    }
    expect(sluice.errors.length).toBeGreaterThan(0)
    expect(sluice.errors.length).toBeLessThan(100)
    // 12 held answers, each repeated twice a second, and what the process does at rest.
    expect(commands(await admin.info('stats')) - before).toBeLessThan(2_000)
  })
})

test('an answer that was paid is kept while Redis refuses writes with MISCONF, recorded and paid once', async () => {
  expect(await keepsWhile(...misconf)).toBe('kept')
})

function commands(info: string): number {
  return Number(/total_commands_processed:(\d+)/.exec(info)?.[1]) + Number(/total_error_replies:(\d+)/.exec(info)?.[1])
}
