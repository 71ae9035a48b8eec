import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP } from 'node:net'

/**
 * Decides which addresses webhooks may connect to. A URL comes from a user, so without this check anyone who may create a batch could
 * send requests into the network of the worker, such as to the metadata service of a cloud.
 */
export interface AddressPolicy {
  /** Why this host must not be connected to, if it is an address in any notation; null: it may be, or it is a name. */
  refusalOf(url: URL): string | null
  /** For `net.connect`: resolves a name to those of its addresses that are allowed. What it returns is what is connected to. */
  readonly lookup: Lookup
}

type Lookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void

/** The connection was not made because of its address. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

/** Not public, by the registries of special-purpose addresses of IANA. */
const notPublicV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Azure's virtual public address of the host: DHCP, DNS and the agent of the machine.
  '168.63.129.16/32',
]

/** All public addresses of IPv6 are in this network; mapped, translated, local and multicast ones are not. */
const globalV6 = '2000::/3'
/** Parts of it that are not public, or that contain an IPv4 address (6to4, Teredo). */
const notPublicV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']

/** `allow`: addresses, networks such as 10.0.0.0/8, and names of hosts. */
export function createAddressPolicy(
  allow: readonly string[],
  { resolveName = resolve }: { readonly resolveName?: typeof resolve } = {},
): AddressPolicy {
  const isNetwork = (entry: string) => isIP(entry.split('/')[0] ?? '') !== 0
  const allowed = blockListOf(allow.filter(isNetwork))
  const allowedNames = new Set(allow.filter((entry) => !isNetwork(entry)).map((name) => name.toLowerCase()))

  const isAllowed = (address: string): boolean => {
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    if (allowed.check(address, family)) return true
    if (family === 'ipv4') return !privateV4.check(address, family)
    return publicV6.check(address, family) && !privateV6.check(address, family)
  }

  return {
    refusalOf({ hostname }) {
      // URL has read `127.1`, `0x7f000001` and `2130706433` as addresses.
      const address = hostname.replace(/^\[(.*)\]$/, '$1')
      if (isIP(address) === 0 || isAllowed(address)) return null
      return notAllowed(address)
    },

    lookup(hostname, options, callback) {
      resolveName(hostname, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return callback(error, [])
        // A scope (`fe80::1%eth0`) only exists on addresses that are not public.
        const isNamed = allowedNames.has(hostname.toLowerCase())
        const usable = addresses.filter(({ address }) => isNamed || (!address.includes('%') && isAllowed(address)))
        const [first] = usable
        if (first === undefined) {
          const shown = addresses.map(({ address }) => address).join(', ') || 'no address'
          return callback(new AddressRefused(`${hostname} resolves to ${shown}: ${why}`), [])
        }
        if (options.all === true) callback(null, usable)
        else callback(null, first.address, first.family)
      })
    },
  }
}

const why = 'only public addresses are allowed, and those in `webhooks.allow` (SLUICE_WEBHOOK_ALLOW).'

function notAllowed(address: string): string {
  return `${address} is not a public address: ${why}`
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family)
  }
  return list
}

const privateV4 = blockListOf(notPublicV4)
const publicV6 = blockListOf([globalV6])
const privateV6 = blockListOf(notPublicV6)
