import type { LookupAddress, LookupOptions } from 'node:dns'
import { describe, expect, test } from 'vitest'
import { AddressRefused, createAddressPolicy } from './address-policy.ts'

const refused = [
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.0.0.1/',
  'http://0177.0.0.1/',
  'http://127.0.0.1.:8080/',
  'http://%31%32%37.0.0.1/',
  'http://①②⑦.⓪.⓪.①/',
  'http://0.0.0.0/',
  'http://0/',
  'http://10.1.2.3/',
  'http://100.64.0.1/',
  'http://100.100.100.200/latest/meta-data/',
  'http://169.254.169.254/latest/meta-data/',
  'http://0xa9fea9fe/',
  'http://168.63.129.16/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.0.0.192/',
  'http://192.168.1.1/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://[::]/',
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::127.0.0.1]/',
  'http://[::ffff:8.8.8.8]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[64:ff9b:1::a9fe:a9fe]/',
  'http://[100::1]/',
  'http://[2001::1]/',
  'http://[2001:db8::1]/',
  'http://[2002:7f00:1::]/',
  'http://[3fff::1]/',
  'http://[5f00::1]/',
  'http://[fc00::1]/',
  'http://[fd00:ec2::254]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://[ff02::1]/',
]
const accepted = [
  'https://8.8.8.8/',
  'https://172.15.0.1/',
  'https://172.32.0.1/',
  'https://100.63.255.255/',
  'https://[2606:4700:4700::1111]/',
  'https://example.com/',
]

/** Resolves every name to these addresses. */
function names(...addresses: string[]) {
  return ((_name: string, options: LookupOptions, done: (error: Error | null, found: LookupAddress[]) => void) => {
    expect(options.all).toBe(true)
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }) as never
}

function look(resolveName: never, allow: string[] = [], options: LookupOptions = { all: true }): Promise<unknown> {
  const { lookup } = createAddressPolicy(allow, { resolveName })
  return new Promise((resolve, reject) => {
    lookup('a.example', options, (error, address) => (error === null ? resolve(address) : reject(error)))
  })
}

describe('a webhook', () => {
  test.each(refused)('is not sent to %s', (url) => {
    expect(createAddressPolicy([]).refusalOf(new URL(url))).toMatch(/is not a public address: .*webhooks\.allow/)
  })

  test.each(accepted)('may be sent to %s', (url) => {
    expect(createAddressPolicy([]).refusalOf(new URL(url))).toBeNull()
  })

  test('is sent to a network that the configuration allows, and to no other', () => {
    const policy = createAddressPolicy(['10.1.0.0/16', '127.0.0.1', 'fd00:1::/32'])
    const refusals = ['10.1.255.1', '127.0.0.1', '[fd00:1::5]', '10.2.0.1', '127.0.0.2', '[fd00:2::5]', '[::1]'].map(
      (host) => policy.refusalOf(new URL(`http://${host}/`)) !== null,
    )
    expect(refusals).toEqual([false, false, false, true, true, true, true])
  })

  test('is sent to a name that the configuration allows, wherever it is', async () => {
    expect(await look(names('127.0.0.1', '10.0.0.1'), ['A.example'])).toHaveLength(2)
    await expect(look(names('127.0.0.1'), ['b.example'])).rejects.toBeInstanceOf(AddressRefused)
  })

  test('connects only to the public addresses of a name', async () => {
    expect(await look(names('10.0.0.1', '8.8.8.8', 'fe80::1%eth0', '::ffff:10.0.0.1', '2606:4700::1'))).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ])
    expect(await look(names('127.0.0.1', '8.8.8.8'), [], {})).toBe('8.8.8.8')
  })

  test('does not connect to a name that has no public address', async () => {
    const failure = look(names('127.0.0.1', '::1'))
    await expect(failure).rejects.toBeInstanceOf(AddressRefused)
    await expect(failure).rejects.toThrow('a.example resolves to 127.0.0.1, ::1: only public addresses')
    await expect(look(names())).rejects.toThrow('no address')
    expect(await look(names('127.0.0.1'), ['127.0.0.0/8'])).toHaveLength(1)
  })
})
