// Owns through which proxy a URL is reached: HTTPS_PROXY or HTTP_PROXY by its scheme, unless NO_PROXY names its host.
// Promises what Go's clients understand in NO_PROXY: `*`, hosts, domains with or without a leading dot, ports, addresses and CIDR ranges.
// Does not connect.

import { BlockList, isIP } from 'node:net'

type Environment = Readonly<Record<string, string | undefined>>

/** The proxy for an http or https URL; undefined where it is reached directly. Names in lower case count too, and an empty variable as unset. */
export function proxyFor(url: string, env: Environment): string | undefined {
  const read = (name: string): string | undefined => env[name] || env[name.toLowerCase()] || undefined
  const proxy = read(url.startsWith('https:') ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  return proxy === undefined || isDirect(url, read('NO_PROXY')) ? undefined : proxy
}

/** Whether a proxy is to be passed by for this URL. */
function isDirect(url: string, noProxy: string | undefined): boolean {
  const { hostname, port, protocol } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const at = port === '' ? (protocol === 'https:' ? '443' : '80') : port
  return (noProxy ?? '')
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && matches(entry, host, at))
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  if (entry.includes('/')) return isInRange(entry, host)
  const [, name = entry, only] = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? '' : entry) ?? []
  if (only !== undefined && only !== port) return false
  const bare = (name === '' ? entry : name).replace(/^\*?\./, '').replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) return bare === host
  // A leading dot leaves the domain itself out.
  return host.endsWith(`.${bare}`) || (host === bare && !/^\*?\./.test(name))
}

function isInRange(entry: string, host: string): boolean {
  const [network = '', length = ''] = entry.split('/')
  const family = isIP(network)
  const bits = Number(length)
  if (family === 0 || family !== isIP(host) || !/^\d+$/.test(length) || bits > (family === 4 ? 32 : 128))
    return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(network, bits, type)
  return list.check(host, type)
}
