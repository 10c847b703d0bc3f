// Owns OTLP over gRPC, which is all that kubelets and API servers speak.
// Promises that who may not send, or has to come back later, is told so before the message is read; that messages and connections are
// bounded; and that a slow sender is cut off. Does not judge spans (intake.ts).

import { type AddressInfo, createServer, type Server as Listener, type Socket } from 'node:net'
import * as grpc from '@grpc/grpc-js'
import type { Clock } from '../base/clock.ts'
import { grpcCode, responseBytes, retryAfterMs, statusBytes, type Verdict } from './answers.ts'
import type { Intake } from './intake.ts'
import type { Listening, TlsFiles } from './endpoint.ts'

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

/** For a request as a whole: what takes longer is no exporter. */
const REQUEST_MS = 20_000
/** An exporter sends one request after the other; a Collector some at a time. */
const STREAMS_MAX = 16
/** kubelets keep their connection open for as long as they run; a dead one is noticed. */
const KEEPALIVE_MS = 60_000

export async function serveGrpc(
  intake: Intake,
  clock: Clock,
  { host, port }: { readonly host: string; readonly port: number },
  tls: TlsFiles | undefined,
): Promise<Listening> {
  const server = new grpc.Server({
    'grpc.max_receive_message_length': intake.limits.messageBytes,
    'grpc.max_concurrent_streams': STREAMS_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    interceptors: [gate(intake, clock)],
  })
  server.addService({ export: METHOD }, { export: exportHandler(intake) })
  const injector = server.createConnectionInjector(credentialsOf(tls))
  const sockets = new Set<Socket>()
  // The library would listen by itself, but for as many connections as anybody opens.
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    injector.injectConnection(socket)
  })
  listener.maxConnections = intake.limits.connections
  listener.on('drop', () => intake.refuseConnection())
  await listen(listener, host, port)
  const disconnect = (): void => sockets.forEach((socket) => void socket.destroy())
  return {
    port: (listener.address() as AddressInfo).port,
    disconnect,
    close: async () => {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
      disconnect()
      server.forceShutdown()
      await closed
    },
  }
}

function listen(listener: Listener, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(port, host, () => {
      listener.off('error', reject)
      resolve()
    })
  })
}

function credentialsOf(tls: TlsFiles | undefined): grpc.ServerCredentials {
  if (!tls) return grpc.ServerCredentials.createInsecure()
  const { ca, cert, key } = tls
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }
  return grpc.ServerCredentials.createSsl(ca === undefined ? null : Buffer.from(ca), [pair], ca !== undefined)
}

const asIs = (bytes: Buffer): Buffer => bytes
const METHOD: grpc.MethodDefinition<Buffer, Buffer> = {
  path: EXPORT,
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
}

const exportHandler =
  (intake: Intake): grpc.handleUnaryCall<Buffer, Buffer> =>
  ({ request }, reply) => {
    const verdict = intake.take(request, 'protobuf')
    if (verdict.kind === 'taken') reply(null, responseBytes(verdict))
    else reply(statusOf(verdict))
  }

function statusOf(verdict: Exclude<Verdict, { readonly kind: 'taken' }>): grpc.StatusObject {
  const metadata = new grpc.Metadata()
  if (retryAfterMs(verdict) !== undefined) metadata.set('grpc-status-details-bin', statusBytes(verdict))
  return { code: grpcCode(verdict), details: verdict.message, metadata }
}

/** Asks before a message is read; the stream is paused until then. */
const gate =
  (intake: Intake, clock: Clock): grpc.ServerInterceptor =>
  (_method, call) => {
    const over = new AbortController()
    let reading = false
    const finish = (): void => {
      over.abort()
      if (reading) intake.finish()
      reading = false
    }
    onStatus(call, (status) => {
      finish()
      // The library's own, for a message over its bound.
      const isTooLarge = status.code === grpc.status.RESOURCE_EXHAUSTED && !status.metadata
      if (isTooLarge) intake.refuse({ kind: 'too large', message: status.details ?? '' })
    })
    return new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            const [authorization] = metadata.get('authorization')
            const refused = intake.begin(authorization?.toString())
            if (refused && refused.kind !== 'taken') return call.sendStatus(statusOf(refused))
            reading = true
            void clock.sleep(REQUEST_MS, over.signal).then(() => {
              if (!over.signal.aborted)
                call.sendStatus({ code: grpc.status.DEADLINE_EXCEEDED, details: 'the request is too slow' })
            })
            proceed(metadata)
          },
          onCancel: finish,
        }),
    })
  }

/** What the library answers by itself passes by every interceptor, but not by the call that it gives them. */
function onStatus(
  call: grpc.ServerInterceptingCallInterface,
  see: (status: Parameters<typeof call.sendStatus>[0]) => void,
): void {
  const send = call.sendStatus.bind(call)
  call.sendStatus = (status) => {
    see(status)
    send(status)
  }
}
