import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Whether a webhook may be sent to an address, whatever name led there. */
export interface AddressRule {
  /** Throws for a host that is an address which must not be called. Names are checked when they are resolved. */
  checkHost(host: string): void
  /** Resolves a name for the connection that is being made, so that what was checked is what is connected to. */
  readonly lookup: LookupFunction
}

export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError'
  constructor(host: string) {
    super(`${host} has an address that is not public: add the host or its network to \`webhooks.allow\`.`)
  }
}

/** Public addresses only, and those that `allow` names: hosts, addresses, and networks such as 10.0.0.0/8. */
export function createAddressRule(allow: readonly string[], resolve: typeof systemLookup = systemLookup): AddressRule {
  const names = new Set<string>()
  const networks = new BlockList()
  for (const entry of allow) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address)
    if (family === 0) names.add(entry.toLowerCase())
    else networks.addSubnet(address, bits === undefined ? (family === 4 ? 32 : 128) : Number(bits), familyName(family))
  }
  const mayCall = (address: string): boolean => isPublic(address) || networks.check(address, familyName(isIP(address)))

  return {
    checkHost(given) {
      const host = given.replace(/^\[|\]$/g, '').toLowerCase()
      if (names.has(host)) return
      if (isIP(host) !== 0 && !mayCall(host)) throw new ForbiddenAddressError(host)
    },
    lookup(host, options, callback) {
      resolve(host, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return callback(error, '', 0)
        const usable = names.has(host.toLowerCase()) ? addresses : addresses.filter(({ address }) => mayCall(address))
        const [first] = usable
        if (first === undefined) return callback(new ForbiddenAddressError(host), '', 0)
        if (options.all === true) callback(null, usable)
        else callback(null, first.address, first.family)
      })
    },
  }
}

/** An IPv4 address inside an IPv6 one counts as itself. */
function isPublic(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'
}

function familyName(family: number): 'ipv4' | 'ipv6' {
  return family === 6 ? 'ipv6' : 'ipv4'
}
