// Owns one client of OTLP over gRPC: where it connects to, through which proxy, and one call per request.
// Promises that only the configuration decides on a proxy: grpc-js would read variables of its own, by rules of its own.
// Does not judge an answer and does not call again.

import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  compressionAlgorithms,
  credentials,
  Metadata,
} from '@grpc/grpc-js'
import type { ExportResponse, IExporterTransport } from '@opentelemetry/otlp-exporter-base'
import type { Clock } from '../base/clock.ts'
import { MILLISECOND } from '../base/time.ts'
import type { OtlpConfig } from './config.ts'
import { USER_AGENT } from './sdk-exporter.ts'
import { readTls } from './tls.ts'

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

/** It connects with the first call. */
export function createGrpcClient(config: OtlpConfig, clock: Clock): IExporterTransport {
  const metadata = new Metadata()
  for (const [key, value] of Object.entries(config.headers)) metadata.set(key, value)
  let client: Client | undefined
  return {
    send: async (body, timeoutMs) => {
      client ??= connect(config)
      const deadline = Number(clock.now() / MILLISECOND) + timeoutMs
      return await call(client, metadata, body, deadline)
    },
    shutdown: () => client?.close(),
  }
}

function connect(config: OtlpConfig): Client {
  const { address, options } = wayOf(config)
  return new Client(address, credentialsOf(config), {
    ...options,
    // What it reads of the environment are names in lower case, and NO_PROXY without ports and domains' dots.
    'grpc.enable_http_proxy': 0,
    'grpc.default_compression_algorithm':
      config.compression === 'gzip' ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
    'grpc.primary_user_agent': USER_AGENT,
  })
}

/** Through a proxy the target is reached by CONNECT, and certificates are checked at the end of the tunnel: what grpc-js makes of its own variables. */
function wayOf({ proxy, target }: OtlpConfig): { address: string; options: ChannelOptions } {
  if (proxy === undefined) return { address: target, options: {} }
  const { hostname, port, username, password } = new URL(proxy)
  return {
    address: `dns:${hostname}:${port || '80'}`,
    options: {
      'grpc.http_connect_target': `dns:${target}`,
      'grpc.default_authority': target,
      ...(username !== '' && {
        'grpc.http_connect_creds': `${decodeURIComponent(username)}:${decodeURIComponent(password)}`,
      }),
    },
  }
}

/**
 * grpc-js shares a connection among clients with equal credentials: a new client would get the dead one that the last calls
 * of an old client, or of another exporter, still hold. So these credentials equal no others.
 */
function credentialsOf(config: OtlpConfig): ChannelCredentials {
  const { ca = null, key = null, cert = null } = readTls(config)
  const own = config.secure ? credentials.createSsl(ca, key, cert) : credentials.createInsecure()
  own._equals = (other) => other === own
  return own
}

const call = (
  client: Client,
  metadata: Metadata,
  body: Uint8Array,
  deadline: number,
): Promise<ExportResponse> =>
  new Promise((resolve) => {
    client.makeUnaryRequest(EXPORT, asBuffer, asIs, body, metadata, { deadline }, (error, data) =>
      resolve(error ? { status: 'failure', error } : { status: 'success', ...(data && { data }) }),
    )
  })

const asBuffer = (body: Uint8Array): Buffer => Buffer.from(body.buffer, body.byteOffset, body.byteLength)
const asIs = (body: Buffer): Uint8Array => body
