// Owns the frames of a WebSocket as a client reads and writes them (RFC 6455, section 5).
// Promises whole messages however the network has cut them, and that what a server must not send is refused by name.
// Does not touch sockets: web-socket.ts does.

import { randomFillSync } from 'node:crypto'

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface Message {
  /** A message of data is binary here, whatever its frames said. */
  readonly kind: 'data' | 'close' | 'ping' | 'pong'
  readonly payload: Buffer
}

/** What a server sends at once is what it read at once: some kilobytes. */
const MESSAGE_MAX_BYTES = 4 * 1024 * 1024
const CONTROL_MAX_BYTES = 125
/** Each is an object, however little it holds. */
const PARTS_MAX = 4096

interface Frame {
  readonly fin: boolean
  readonly opcode: number
  readonly payload: Buffer
}

export interface FrameReader {
  /** The messages that are whole by now. Throws where the server breaks the protocol; nothing may be read after that. */
  push(chunk: Buffer): Message[]
}

export function createFrameReader(): FrameReader {
  let rest: Buffer = Buffer.alloc(0)
  let parts: Buffer[] = []
  let bytes = 0
  const take = ({ fin, opcode, payload }: Frame): Message[] => {
    if (opcode >= OPCODE.close) return [{ kind: controlOf(opcode, fin, payload), payload }]
    if ((opcode === OPCODE.continuation) !== parts.length > 0) throw new Error('a continuation of nothing')
    parts.push(payload)
    bytes += payload.length
    if (bytes > MESSAGE_MAX_BYTES) throw new Error(`a message over ${MESSAGE_MAX_BYTES} bytes`)
    if (parts.length > PARTS_MAX) throw new Error(`a message in over ${PARTS_MAX} parts`)
    if (!fin) return []
    const message = { kind: 'data', payload: parts.length === 1 ? payload : Buffer.concat(parts) } as const
    parts = []
    bytes = 0
    return [message]
  }
  return {
    push: (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const messages: Message[] = []
      for (let read = readFrame(rest); read; read = readFrame(rest)) {
        rest = rest.subarray(read.size)
        messages.push(...take(read.frame))
      }
      return messages
    },
  }
}

function controlOf(opcode: number, fin: boolean, { length }: Buffer): Message['kind'] {
  if (!fin || length > CONTROL_MAX_BYTES) throw new Error('a control frame that is long or in parts')
  if (opcode === OPCODE.close) return 'close'
  if (opcode === OPCODE.ping) return 'ping'
  if (opcode === OPCODE.pong) return 'pong'
  throw new Error(`a frame of the unknown kind ${opcode}`)
}

/** Undefined while it is not whole. */
function readFrame(from: Buffer): { readonly frame: Frame; readonly size: number } | undefined {
  const [first, second] = from
  if (first === undefined || second === undefined) return undefined
  if ((first & 0x70) !== 0) throw new Error('a frame with reserved bits')
  if ((second & 0x80) !== 0) throw new Error('a masked frame from a server')
  const opcode = first & 0x0f
  if (opcode > OPCODE.binary && opcode < OPCODE.close)
    throw new Error(`a frame of the unknown kind ${opcode}`)
  const short = second & 0x7f
  const head = short < 126 ? 2 : short === 126 ? 4 : 10
  if (from.length < head) return undefined
  const length = short < 126 ? short : short === 126 ? from.readUInt16BE(2) : Number(from.readBigUInt64BE(2))
  if (length > MESSAGE_MAX_BYTES) throw new Error(`a frame of ${length} bytes`)
  if (from.length < head + length) return undefined
  const frame = { fin: (first & 0x80) !== 0, opcode, payload: from.subarray(head, head + length) }
  return { frame, size: head + length }
}

/** One whole message as a client sends it: masked with chance, so that nobody between can be made to take it for something else. */
export function writeFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + 4 + length)
  frame[0] = 0x80 | opcode
  frame[1] = 0x80 | (head === 2 ? length : head === 4 ? 126 : 127)
  if (head === 4) frame.writeUInt16BE(length, 2)
  if (head === 10) frame.writeBigUInt64BE(BigInt(length), 2)
  const mask = randomFillSync(frame.subarray(head, head + 4))
  for (let index = 0; index < length; index++)
    frame[head + 4 + index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0)
  return frame
}
