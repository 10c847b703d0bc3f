// Owns the exporter's settings: the standard OTEL_EXPORTER_OTLP_* variables, and the options that override them.
// Promises that all of it is read at start, and that a wrong value is refused by name, with what was expected.
// Does not read the environment or files by itself: the variables are a parameter, certificates are paths here.

import { proxyFor } from '../base/proxy.ts'

export type Protocol = 'grpc' | 'http/protobuf'
export type Compression = 'gzip' | 'none'

export type Environment = Readonly<Record<string, string | undefined>>

export interface OtlpConfig {
  readonly protocol: Protocol
  /** gRPC: `host:port` or `unix:…`; HTTP: the whole URL that is posted to. */
  readonly target: string
  readonly secure: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly compression: Compression
  readonly certificate?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  /** The URL of the proxy on the way to the target; over gRPC always http. */
  readonly proxy?: string
}

/** What a flag or a file says; each one is stronger than its variable and is written like it. */
export interface OtlpOptions {
  readonly endpoint?: string
  readonly protocol?: string
  readonly headers?: string | Readonly<Record<string, string>>
  readonly timeoutMs?: number
  readonly compression?: string
  readonly certificate?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly insecure?: boolean
}

/** Thrown once at start with every wrong setting, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** True where somebody said where to export to; without it the defaults of OTLP point at localhost. */
export const isExportConfigured = (env: Environment, options: OtlpOptions = {}): boolean =>
  (options.endpoint ?? read(env, 'ENDPOINT')?.value) !== undefined

export function parseConfig(env: Environment, options: OtlpOptions = {}): OtlpConfig {
  const problems: string[] = []
  const settings = new Settings(env, problems)
  const endpoint = settings.take('ENDPOINT', options.endpoint, 'endpoint')
  const protocol = protocolOf(settings, options, endpoint)
  const isGrpc = protocol === 'grpc'
  const target = isGrpc ? grpcTarget(settings, options, endpoint) : httpTarget(settings, endpoint)
  const config: OtlpConfig = {
    protocol,
    ...target,
    ...(target.target !== '' && proxyOf(settings, protocol, target, env)),
    headers: headersOf(settings, options.headers, protocol),
    timeoutMs: timeoutOf(settings, options.timeoutMs),
    compression: compressionOf(settings, options.compression),
    ...certificatesOf(settings, options),
  }
  if (problems.length > 0) throw new ConfigError(problems.join('\n'))
  return config
}

/** A value with the name of the option or variable that it came from. */
interface Setting {
  readonly name: string
  readonly value: string
  /** From a variable for traces only: such an endpoint is used as it is. */
  readonly exact: boolean
}

/** A variable for traces wins over the one for all signals; an empty one counts as unset, as the specification says. */
function read(env: Environment, key: string): Setting | undefined {
  for (const [prefix, exact] of PREFIXES) {
    const value = env[prefix + key]?.trim()
    if (value) return { name: prefix + key, value, exact }
  }
  return undefined
}

const PREFIXES = [
  ['OTEL_EXPORTER_OTLP_TRACES_', true],
  ['OTEL_EXPORTER_OTLP_', false],
] as const

class Settings {
  readonly #env: Environment
  readonly #problems: string[]

  constructor(env: Environment, problems: string[]) {
    this.#env = env
    this.#problems = problems
  }

  take(key: string, option?: string, optionName?: string): Setting | undefined {
    if (option !== undefined) return { name: optionName ?? key, value: option.trim(), exact: false }
    return read(this.#env, key)
  }

  refuse(setting: Pick<Setting, 'name' | 'value'>, expected: string): void {
    this.#problems.push(
      `${setting.name}: ${JSON.stringify(setting.value)} is not valid; expected ${expected}`,
    )
  }
}

function protocolOf(settings: Settings, options: OtlpOptions, endpoint: Setting | undefined): Protocol {
  const setting = settings.take('PROTOCOL', options.protocol, 'protocol')
  // 4317 is registered for OTLP over gRPC; HTTP sent there only fails, with an error that nobody understands.
  if (!setting) return endpoint && /:4317\/?$/.test(endpoint.value) ? 'grpc' : 'http/protobuf'
  if (setting.value === 'grpc' || setting.value === 'http/protobuf') return setting.value
  settings.refuse(
    setting,
    'grpc or http/protobuf (http/json is not supported: every Collector takes protobuf)',
  )
  return 'http/protobuf'
}

type Target = Pick<OtlpConfig, 'target' | 'secure'>

function grpcTarget(settings: Settings, options: OtlpOptions, endpoint: Setting | undefined): Target {
  const setting = endpoint ?? { name: 'endpoint', value: 'http://localhost:4317' }
  if (setting.value.startsWith('unix:')) return { target: setting.value, secure: false }
  const [, scheme, rest] = /^(?:(https?):\/\/)?([^/?#@]+)\/?$/i.exec(setting.value) ?? []
  const secure = scheme === undefined ? !isInsecure(settings, options) : scheme.toLowerCase() === 'https'
  const target = withPort(rest, secure)
  if (target === undefined)
    settings.refuse(setting, 'http://HOST:PORT, https://HOST:PORT or HOST:PORT for gRPC, without a path')
  return { target: target ?? '', secure }
}

/** `URL` would drop a port that the scheme implies; gRPC wants it written. */
function withPort(authority: string | undefined, secure: boolean): string | undefined {
  if (authority === undefined || !URL.canParse(`none://${authority}`)) return undefined
  const url = new URL(`none://${authority}`)
  if (url.hostname === '' || (url.port === '' && !secure)) return undefined
  return url.port === '' ? `${authority}:443` : authority
}

/** Only asked where a gRPC endpoint has no scheme, as the specification says. */
function isInsecure(settings: Settings, options: OtlpOptions): boolean {
  if (options.insecure !== undefined) return options.insecure
  const setting = settings.take('INSECURE')
  if (!setting) return false
  const value = setting.value.toLowerCase()
  if (value !== 'true' && value !== 'false') settings.refuse(setting, 'true or false')
  return value === 'true'
}

function httpTarget(settings: Settings, endpoint: Setting | undefined): Target {
  const setting = endpoint ?? { name: 'endpoint', value: 'http://localhost:4318', exact: false }
  const url = URL.canParse(setting.value) ? new URL(setting.value) : undefined
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '') {
    settings.refuse(setting, 'http://HOST:PORT/PATH or https://HOST:PORT/PATH')
    return { target: '', secure: false }
  }
  if (!setting.exact) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`
  return { target: url.href, secure: url.protocol === 'https:' }
}

function proxyOf(
  settings: Settings,
  protocol: Protocol,
  { target, secure }: Target,
  env: Environment,
): Pick<OtlpConfig, 'proxy'> {
  if (target.startsWith('unix:')) return {}
  const isGrpc = protocol === 'grpc'
  const proxy = proxyFor(isGrpc ? `${secure ? 'https' : 'http'}://${target}` : target, env)
  if (proxy === undefined) return {}
  const scheme = URL.canParse(proxy) ? new URL(proxy).protocol : ''
  // grpc-js speaks to a proxy in the clear only.
  if (scheme !== 'http:' && (isGrpc || scheme !== 'https:'))
    settings.refuse(
      { name: secure ? 'HTTPS_PROXY' : 'HTTP_PROXY', value: withoutPassword(proxy) },
      isGrpc ? 'http://HOST:PORT for gRPC' : 'http://HOST:PORT or https://HOST:PORT',
    )
  return { proxy }
}

const withoutPassword = (url: string): string => url.replace(/\/\/.*@/, '//')

function headersOf(
  settings: Settings,
  option: OtlpOptions['headers'],
  protocol: Protocol,
): Record<string, string> {
  if (typeof option === 'object') return checkHeaders(settings, 'headers', Object.entries(option), protocol)
  const setting = settings.take('HEADERS', option, 'headers')
  if (!setting) return {}
  const pairs = setting.value
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair): [string, string] => [beforeEquals(pair), decode(pair.slice(pair.indexOf('=') + 1).trim())])
  return checkHeaders(settings, setting.name, pairs, protocol)
}

const beforeEquals = (pair: string): string => pair.slice(0, Math.max(0, pair.indexOf('='))).trim()

/** Values are percent-encoded as in W3C Baggage; one that is not decodable is meant literally. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

type Pairs = readonly (readonly [string, string])[]

/** A header's value may be a secret: a refusal names the header's place and key only. */
function checkHeaders(
  settings: Settings,
  name: string,
  pairs: Pairs,
  protocol: Protocol,
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [index, [key, value]] of pairs.entries()) {
    const lower = key.toLowerCase()
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(lower))
      settings.refuse({ name, value: `entry ${index + 1}` }, 'key=value pairs separated by commas')
    else if (protocol === 'grpc' && (lower.endsWith('-bin') || !/^[a-z0-9_.-]+$/.test(lower)))
      settings.refuse(
        { name, value: key },
        'keys of letters, digits, "_", "-" and ".", not ending in -bin, for gRPC',
      )
    else if (!/^[\x20-\x7e]*$/.test(value))
      settings.refuse({ name, value: key }, 'a value of printable ASCII characters')
    else headers[lower] = value
  }
  return headers
}

const MAX_TIMEOUT_MS = 600_000

function timeoutOf(settings: Settings, option: number | undefined): number {
  const setting = settings.take('TIMEOUT', option?.toString(), 'timeoutMs')
  if (!setting) return 10_000
  const value = Number(setting.value)
  if (Number.isInteger(value) && value >= 1 && value <= MAX_TIMEOUT_MS) return value
  settings.refuse(setting, `whole milliseconds from 1 to ${MAX_TIMEOUT_MS}`)
  return 10_000
}

function compressionOf(settings: Settings, option: string | undefined): Compression {
  const setting = settings.take('COMPRESSION', option, 'compression')
  if (!setting || setting.value === 'none') return 'none'
  if (setting.value !== 'gzip') settings.refuse(setting, 'gzip or none')
  return 'gzip'
}

type Certificates = Pick<OtlpConfig, 'certificate' | 'clientCertificate' | 'clientKey'>

function certificatesOf(settings: Settings, options: OtlpOptions): Certificates {
  const certificate = settings.take('CERTIFICATE', options.certificate, 'certificate')
  const client = settings.take('CLIENT_CERTIFICATE', options.clientCertificate, 'clientCertificate')
  const key = settings.take('CLIENT_KEY', options.clientKey, 'clientKey')
  if (client && !key) settings.refuse(client, 'a client key beside it')
  if (key && !client) settings.refuse(key, 'a client certificate beside it')
  return {
    ...(certificate && { certificate: certificate.value }),
    ...(client && { clientCertificate: client.value }),
    ...(key && { clientKey: key.value }),
  }
}
