import { expect, test } from 'vitest'
import { parseRedisAddress, withoutPassword } from './redis-address.ts'

test.each([
  ['redis://127.0.0.1:6379', { type: 'single', tls: false, password: undefined }],
  ['rediss://me:p%40ss@redis.example.com/2', { type: 'single', tls: true, username: 'me', password: 'p@ss' }],
  [
    'redis-sentinel://:secret@a:26379,b/1#main',
    {
      type: 'sentinel',
      primary: 'main',
      db: 1,
      password: 'secret',
      nodes: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 26_379 },
      ],
    },
  ],
  [
    'rediss-cluster://a:7000,[::1]:7001',
    {
      type: 'cluster',
      tls: true,
      nodes: [
        { host: 'a', port: 7_000 },
        { host: '::1', port: 7_001 },
      ],
    },
  ],
])('%s', (url, address) => {
  expect(parseRedisAddress(url)).toMatchObject(address)
})

test.each([
  '',
  'localhost:6379',
  'http://127.0.0.1',
  'redis-sentinel://a:26379',
  'redis-cluster://a:x',
  'redis-cluster://',
])('is not understood: %s', (url) => {
  expect(parseRedisAddress(url)).toBeNull()
})

test('a password is not shown', () => {
  expect(withoutPassword('redis-cluster://me:secret@a:7000,b:7001')).toBe('redis-cluster://me:***@a:7000,b:7001')
  expect(withoutPassword('redis://127.0.0.1:6379/0')).toBe('redis://127.0.0.1:6379/0')
})
