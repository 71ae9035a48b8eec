import { setTimeout as sleep } from 'node:timers/promises'
import type { OwnRedis } from '@sluice/local/redis/own-redis'
import type { Redis } from 'ioredis'
import type { Crew } from './crew.ts'
import { refusals } from './replace-writes.ts'
import type { TcpProxy } from './tcp-proxy.ts'

export interface Struck {
  readonly crew: Crew
  readonly redis: Pick<OwnRedis, 'kill' | 'start' | 'fillDisk'>
  /** To Redis itself, past the proxy. */
  readonly admin: Redis
  readonly proxy: TcpProxy
  readonly setFaults: (rates: Record<string, number>) => Promise<void>
  readonly random: () => number
  /** What an operator does after the key works again. */
  readonly resumeLane: () => Promise<void>
}

/** Longer than the lock of 15 s and the scan of 10 s: by then another worker has taken over. */
const frozenMs = 27_000
/** How long Redis refuses writes: also longer than the locks, now and then. */
const refusedMs = (random: () => number) => 500 + random() * (random() < 0.2 ? 20_000 : 4_000)

/** As far as a clock is wrong that was not set for some days, and as a machine's that was suspended. */
const mostClockMs = 60_000

interface BlowEnd {
  /** Workers whose calls in flight have an unknown end. */
  readonly lost: number
  /** In words, each promise that was not kept during the blow. */
  readonly broken?: readonly string[]
}

/** The blows: faults that a run injects. Each resolves when it is over; `lost` is the number of workers whose calls in flight have an unknown end. */
export const blows: Record<string, (struck: Struck) => Promise<BlowEnd>> = {
  async 'a worker is killed'({ crew, random }) {
    await crew.killWorker(Math.floor(random() * crew.workers.length))
    return { lost: 1 }
  },
  async 'all workers are killed'({ crew }) {
    await Promise.all(crew.workers.map((_, place) => crew.killWorker(place)))
    return { lost: crew.workers.length }
  },
  async 'a worker is stopped by SIGTERM'({ crew, random }) {
    const stopped = await crew.stopWorker(Math.floor(random() * crew.workers.length))
    return { lost: 1, broken: stopped === null ? [] : [stopped] }
  },
  async 'the API is killed'({ crew }) {
    await crew.killApi()
    return { lost: 0 }
  },
  async 'Redis is killed and started'({ crew, redis, random }) {
    await redis.kill()
    await sleep(500 + random() * 2_500)
    await redis.start()
    return { lost: crew.workers.length }
  },
  async 'the disk of Redis is full, and has space again'({ crew, redis, random }) {
    await redis.fillDisk()
    await sleep(500 + random() * 2_500)
    await redis.start()
    return { lost: crew.workers.length }
  },
  async 'connections to Redis are cut'({ proxy }) {
    proxy.cut()
    return { lost: 0 }
  },
  async 'the network to Redis is slow'({ proxy, random }) {
    proxy.delay(20 + random() * 130)
    await sleep(3_000)
    proxy.delay(0)
    return { lost: 0 }
  },
  async 'a worker is frozen for longer than its lock'({ crew, random }) {
    const worker = crew.workers[Math.floor(random() * crew.workers.length)]!
    worker.child.kill('SIGSTOP')
    await sleep(frozenMs)
    worker.child.kill('SIGCONT')
    return { lost: 1 }
  },
  async 'a worker is frozen for less than its lock'({ crew, random }) {
    const worker = crew.workers[Math.floor(random() * crew.workers.length)]!
    worker.child.kill('SIGSTOP')
    await sleep(2_000 + random() * 6_000)
    worker.child.kill('SIGCONT')
    return { lost: 0 }
  },
  async 'all workers are replaced one by one'({ crew }) {
    const broken: string[] = []
    for (const place of crew.workers.keys()) broken.push((await crew.stopWorker(place)) ?? '')
    return { lost: crew.workers.length, broken: broken.filter(Boolean) }
  },
  async 'the memory of Redis is full'({ admin, random }) {
    await admin.config('SET', 'maxmemory', '1')
    await sleep(refusedMs(random))
    await admin.config('SET', 'maxmemory', '0')
    return { lost: 0 }
  },
  async 'Redis answers writes with an error'({ proxy, random }) {
    proxy.refuseWrites(refusals[Math.floor(random() * refusals.length)]!)
    await sleep(refusedMs(random))
    proxy.refuseWrites(null)
    return { lost: 0 }
  },
  async 'the clock of a worker jumps'({ crew, random }) {
    const place = Math.floor(random() * crew.workers.length)
    crew.setClock(place, (random() < 0.5 ? -1 : 1) * (1_000 + random() * mostClockMs))
    await sleep(1_000 + random() * 7_000)
    crew.setClock(place, 0)
    return { lost: 0 }
  },
  async 'Redis has too few replicas'({ admin, random }) {
    await admin.config('SET', 'min-replicas-to-write', '1')
    await sleep(refusedMs(random))
    await admin.config('SET', 'min-replicas-to-write', '0')
    return { lost: 0 }
  },
  async 'Redis is demoted and promoted again'({ admin, random }) {
    await admin.replicaof('127.0.0.1', 1)
    await sleep(refusedMs(random))
    await admin.replicaof('NO', 'ONE')
    return { lost: 0 }
  },
  async 'the host of Redis goes silent, and its address leads to a reachable one'({ proxy, random }) {
    proxy.goSilent()
    await sleep(1_000 + random() * 8_000)
    proxy.goOn()
    return { lost: 0 }
  },
  async 'the provider fails'({ setFaults }) {
    await setFaults({
      '500': 0.2,
      '503': 0.1,
      '529': 0.1,
      rate_limit: 0.1,
      cut: 0.1,
      cut_after: 0.1,
      hang: 0.02,
      slow: 0.05,
    })
    await sleep(2_000)
    await setFaults({})
    return { lost: 0 }
  },
  async 'answers are bad'({ setFaults }) {
    await setFaults(Object.fromEntries(badAnswers.map((fault) => [fault, 0.05])))
    await sleep(2_000)
    await setFaults({})
    return { lost: 0 }
  },
  async 'responses contain no answer'({ setFaults }) {
    await setFaults({ rate_limit_in_200: 0.1, error_in_200: 0.1, html: 0.1, broken_body: 0.1, odd_usage: 0.1 })
    await sleep(2_000)
    await setFaults({})
    return { lost: 0 }
  },
  async 'the key is revoked and restored'({ setFaults, resumeLane }) {
    await setFaults({ '401': 1 })
    await sleep(2_000)
    await setFaults({})
    await resumeLane()
    return { lost: 0 }
  },
}

/** Faults of the simulator that are paid for. After each, the item is asked again or fails. */
export const badAnswers = [
  'bad_json',
  'fenced_json',
  'schema_violation',
  'empty',
  'refusal',
  'truncation',
  'content_filter',
  'no_message',
] as const
