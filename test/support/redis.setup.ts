import { GenericContainer } from 'testcontainers'
import type { TestProject } from 'vitest/node'
import { findRedis } from '@sluice/local/redis/find-redis'
import { packageDirectory, startOwnRedis } from '@sluice/local/redis/own-redis'
import { durableOptions } from '@sluice/local/redis/redis-command'

declare module 'vitest' {
  interface ProvidedContext {
    /** A durable Redis for the whole run. Each test uses a separate key prefix. */
    redisUrl: string
  }
}

/** One real Redis for all tests, found in the same order as by `start`: REDIS_URL, a server on the PATH, Docker, Debian's package. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const source = await findRedis({
    url: process.env['REDIS_URL'] || undefined,
    directory: packageDirectory,
    say: console.error,
  })
  console.error(`[${project.name}] Redis: ${source.label}`)
  switch (source.type) {
    case 'url':
      project.provide('redisUrl', source.url)
      return async () => {}
    case 'docker':
      return inContainer(project)
    case 'server': {
      const redis = await startOwnRedis()
      project.provide('redisUrl', redis.url)
      return async () => redis[Symbol.asyncDispose]()
    }
    default:
      return source satisfies never
  }
}

async function inContainer(project: TestProject): Promise<() => Promise<void>> {
  // Ryuk, which removes the containers of a killed run, is one more image to pull; a killed run leaves one idle Redis.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true'
  const container = await new GenericContainer('redis:8')
    .withCommand(['redis-server', '--protected-mode', 'no', ...durableOptions])
    .withExposedPorts(6379)
    .start()
  project.provide('redisUrl', `redis://${container.getHost()}:${container.getMappedPort(6379)}`)
  return async () => {
    await container.stop()
  }
}
