import type { LookupAddress } from 'node:dns'
import { expect, test } from 'vitest'
import { createAddressRule, ForbiddenAddressError } from './public-address.ts'

/** A name server that answers every name with these addresses. */
const answering = (...addresses: string[]) =>
  ((_host: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as never

function resolve(rule: ReturnType<typeof createAddressRule>, host: string): Promise<unknown> {
  return new Promise((done) => {
    rule.lookup(host, { all: true }, (error, found) => done(error ?? found))
  })
}

const notPublic = [
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  'fc00::1',
  'fe80::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
]

test.each(notPublic)(
  'a webhook is not sent to %s, whether it is in the URL or a name resolves to it',
  async (address) => {
    const rule = createAddressRule([], answering(address))
    expect(() => rule.checkHost(address.includes(':') ? `[${address}]` : address)).toThrow(ForbiddenAddressError)
    expect(await resolve(rule, 'example.com')).toBeInstanceOf(ForbiddenAddressError)
  },
)

test('of the addresses of a name only the public ones are connected to', async () => {
  const rule = createAddressRule([], answering('10.0.0.1', '93.184.216.34', '2606:2800:220:1::1'))
  expect(await resolve(rule, 'example.com')).toEqual([
    { address: '93.184.216.34', family: 4 },
    { address: '2606:2800:220:1::1', family: 6 },
  ])
})

test('hosts and networks that are allowed may be called', async () => {
  const rule = createAddressRule(['hooks.internal', '10.0.0.0/8', 'fd00::/8'], answering('10.9.9.9'))
  expect(await resolve(rule, 'any.example')).toEqual([{ address: '10.9.9.9', family: 4 }])
  expect(() => rule.checkHost('[fd12::1]')).not.toThrow()
  expect(() => rule.checkHost('192.168.0.1')).toThrow(ForbiddenAddressError)
  const named = createAddressRule(['hooks.internal'], answering('192.168.0.9'))
  expect(await resolve(named, 'hooks.internal')).toEqual([{ address: '192.168.0.9', family: 4 }])
  expect(await resolve(named, 'other.internal')).toBeInstanceOf(ForbiddenAddressError)
})
