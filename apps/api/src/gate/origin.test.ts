import type { Request } from 'express'
import { expect, test } from 'vitest'
import { refuseForeignHost } from './origin.ts'

const ask = (host: string | undefined) => () => refuseForeignHost({ headers: { host } } as Request)

test.each([
  'localhost',
  'localhost:3000',
  'LOCALHOST:3000',
  'localhost.:3000',
  '127.0.0.1',
  '127.0.0.1.',
  '127.1:80',
  '127.200.3.4',
  '[::1]',
  '[::1]:3000',
  '[0:0:0:0:0:0:0:1]:3000',
  '[::ffff:127.0.0.1]:3000',
  '[::FFFF:7F00:1]',
])('without keys %s is this machine', (host) => {
  expect(ask(host)).not.toThrow()
})

test.each([
  undefined,
  '',
  'example.com',
  'localhost.example.com',
  'example.com.localhost',
  '127.0.0.1.example.com',
  '127.0.0.1.nip.io',
  '127.999.0.1',
  '127.0.0.1:99999',
  '128.0.0.1',
  '0.0.0.0',
  '[::]',
  '[::ffff:10.0.0.1]',
  '[::1]x',
  'localhost:80:80',
  'localhost:a',
  'localhost, example.com',
  'me@localhost',
  'example.com#localhost',
  'localhost/..',
  'localhost\\example.com',
  'ｌocalhost',
  'localhost%2eexample.com',
])('without keys %j is another machine, and is refused', (host) => {
  expect(ask(host)).toThrow(expect.objectContaining({ code: 'foreign_host' }) as Error)
})
