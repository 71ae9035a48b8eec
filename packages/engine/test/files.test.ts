import { randomBytes } from 'node:crypto'
import { createFileBytes } from '@sluice/engine/files/file-bytes'
import { createFileUploads } from '@sluice/engine/files/file-uploads'
import { createFiles } from '@sluice/engine/files/files'
import { expect, test } from 'vitest'
import { testSluice } from './harness.ts'

const hourMs = 3_600_000

function openFiles() {
  const { redis, keys } = testSluice()
  const confirm = async () => {}
  const bytes = createFileBytes({ redis, keys, mostBytes: 10_000_000, checkMemory: confirm })
  const files = createFiles({ redis, keys, bytes, confirm })
  const uploads = createFileUploads({ redis, keys, bytes, files, confirm })
  const taken = async () => Number(await redis.get(keys.files.total))
  return { redis, keys, bytes, files, uploads, taken }
}

async function* chunksOf(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000)
}

const description = { filename: 'a.bin', purpose: 'user_data', expiresAt: null } as const

test('an upload whose hour is over is swept with its parts, and still shown as expired', async () => {
  const { redis, keys, uploads, taken } = openFiles()
  const input = { ...description, mimeType: 'a/b', bytes: 300_000, fileExpiresS: null }
  const [late, open] = [await uploads.create(input), await uploads.create(input)]
  for (const { id } of [late, open])
    expect(await uploads.addPart(id, chunksOf(randomBytes(300_000)))).toHaveProperty('partId')
  const both = await taken()
  expect(both).toBeGreaterThan(600_000)
  const { meta } = keys.fileUpload(late.id)
  const stored = JSON.parse((await redis.hget(meta, 'json'))!) as object
  await redis.hset(meta, 'json', JSON.stringify({ ...stored, expiresAt: Date.now() - 1 }))
  await redis.zadd(keys.files.uploads, Date.now() - 1, late.id)
  await uploads.sweep()
  expect(await taken()).toBeLessThan(both / 1.9)
  expect(await uploads.get(late.id)).toMatchObject({ status: 'expired' })
  expect(await uploads.cancel(late.id)).toEqual({ refused: 'expired' })
  expect(await uploads.get(open.id)).toMatchObject({ status: 'pending' })
})

test('files that have expired are not listed, and are swept with their bytes; so is one whose sender left', async () => {
  const { redis, keys, bytes, files, taken } = openFiles()
  const kept = await files.create(chunksOf(randomBytes(200_000)), async () => description)
  const keptBytes = await taken()
  const expired = await files.create(chunksOf(randomBytes(200_000)), async () => ({
    ...description,
    expiresAt: Date.now() - 1,
  }))
  expect((await files.list({ limit: 10, order: 'desc' })).data.map(({ id }) => id)).toEqual([kept.id])
  // A process that died while the bytes came: nothing removes them but the sweeper.
  await bytes.store('file-left', chunksOf(randomBytes(200_000)))
  await files.sweep()
  expect(await files.get(expired.id)).toBeNull()
  expect(await redis.exists(keys.file('file-left').bytes)).toBe(1)
  await redis.zadd(keys.files.arriving, Date.now() - hourMs, 'file-left')
  await files.sweep()
  expect(await redis.exists(keys.file('file-left').bytes)).toBe(0)
  expect(await taken()).toBe(keptBytes)
  expect(await files.delete(kept.id)).toBe(true)
  expect(await taken()).toBe(0)
})
