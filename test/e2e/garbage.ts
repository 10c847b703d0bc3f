// Owns what a receiver has to refuse, and how it is sent: bytes that are nothing, bodies that are too large, senders that may not.
// Promises how each is to be counted, and that a round of all of them ends. Forged spans name a real pod, so that one that is let in is seen.

import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import * as grpc from '@grpc/grpc-js'
import { fromJson } from '../../src/decode/otlp-from-json.ts'
import { EXPORT_REQUEST } from '../../src/decode/otlp-messages.ts'

export interface Door {
  readonly httpPort: number
  readonly grpcPort: number
  readonly token: string
  readonly messageMaxBytes: number
  /** A pod that forged spans are to be of. */
  readonly uid: () => string
}

/** `podspan_receiver_requests_total{answer="…"}`; undefined where it is not so much as a request. */
export type Answer = 'garbage' | 'too large' | 'unauthorized'

interface Garbage {
  readonly answer: Answer | undefined
  readonly send: (door: Door) => Promise<unknown>
}

export const FORGED = 'forged'

/** No field of protobuf begins like this. */
const NOTHING = Buffer.alloc(2000, 0xff)

const forged = (uid: string): Buffer => {
  const hex = uid.replaceAll('-', '')
  const [traceId, rootId] = [hex.slice(16) + hex.slice(0, 16), hex.slice(0, 16)]
  const now = BigInt(Date.now()) * 1_000_000n
  const attribute = (key: string, stringValue: string): object => ({ key, value: { stringValue } })
  return fromJson(EXPORT_REQUEST, {
    resourceSpans: [
      {
        resource: { attributes: [attribute('service.name', 'kubelet')] },
        scopeSpans: [
          {
            spans: [
              {
                ...{ traceId, spanId: 'f'.repeat(16), parentSpanId: rootId, name: FORGED, kind: 1 },
                ...{ startTimeUnixNano: `${now - 1_000_000n}`, endTimeUnixNano: `${now}` },
                attributes: [attribute('k8s.pod.uid', uid)],
              },
            ],
          },
        ],
      },
    ],
  })
}

const post = async ({ httpPort }: Door, body: Buffer, headers: Record<string, string>): Promise<number> => {
  const type = { 'content-type': 'application/x-protobuf' }
  const answer = await fetch(`http://127.0.0.1:${httpPort}/v1/traces`, {
    ...{ method: 'POST', body: new Uint8Array(body), headers: { ...type, ...headers } },
    signal: AbortSignal.timeout(10_000),
  })
  await answer.arrayBuffer()
  return answer.status
}

const authorized = ({ token }: Door): Record<string, string> => ({ authorization: `Bearer ${token}` })

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const asIs = (bytes: Buffer): Buffer => bytes

function call({ grpcPort }: Door, body: Buffer, headers: Record<string, string>): Promise<number> {
  const client = new grpc.Client(`127.0.0.1:${grpcPort}`, grpc.credentials.createInsecure())
  const metadata = new grpc.Metadata()
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value)
  const deadline = Date.now() + 10_000
  return new Promise((resolve) => {
    client.makeUnaryRequest(EXPORT, asIs, asIs, body, metadata, { deadline }, (error) => {
      client.close()
      resolve(error?.code ?? grpc.status.OK)
    })
  })
}

/** Bytes without any protocol, until the other side has had enough. */
function shout(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(2000, () => socket.destroy())
    socket.on('error', () => socket.destroy()).on('close', () => resolve())
    socket.resume().end(NOTHING)
  })
}

const tooLarge = ({ messageMaxBytes }: Door): Buffer => Buffer.alloc(messageMaxBytes + 1)

export const GARBAGE: Readonly<Record<string, Garbage>> = {
  'bytes over HTTP': { answer: 'garbage', send: (door) => post(door, NOTHING, authorized(door)) },
  'no JSON': {
    answer: 'garbage',
    send: (door) => post(door, NOTHING, { ...authorized(door), 'content-type': 'application/json' }),
  },
  'no gzip': {
    answer: 'garbage',
    send: (door) => post(door, NOTHING, { ...authorized(door), 'content-encoding': 'gzip' }),
  },
  'bytes over gRPC': { answer: 'garbage', send: (door) => call(door, NOTHING, authorized(door)) },
  'a giant body over HTTP': {
    answer: 'too large',
    send: (door) => post(door, tooLarge(door), authorized(door)).catch(() => 0),
  },
  'a giant body in gzip': {
    answer: 'too large',
    send: (door) => post(door, gzipSync(tooLarge(door)), { ...authorized(door), 'content-encoding': 'gzip' }),
  },
  'a giant body over gRPC': {
    answer: 'too large',
    send: (door) => call(door, tooLarge(door), authorized(door)),
  },
  'forged spans without a token, over HTTP': {
    answer: 'unauthorized',
    send: (door) => post(door, forged(door.uid()), {}),
  },
  'forged spans with a wrong token, over gRPC': {
    answer: 'unauthorized',
    send: (door) => call(door, forged(door.uid()), { authorization: 'Bearer guessed' }),
  },
  'bytes to the port of HTTP': { answer: undefined, send: ({ httpPort }) => shout(httpPort) },
  'bytes to the port of gRPC': { answer: undefined, send: ({ grpcPort }) => shout(grpcPort) },
}

/** How often each is counted in one round. */
export const ANSWERS: Readonly<Record<Answer, number>> = { garbage: 4, 'too large': 3, unauthorized: 2 }

export async function throwGarbage(door: Door): Promise<void> {
  await Promise.all(Object.values(GARBAGE).map(({ send }) => send(door)))
}
