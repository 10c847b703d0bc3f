// Owns one open watch at the server: what it has still to send, its bookmarks, its end.
// Promises that changes come in order, several in one write where they were made together, and that a reader who does not keep up
// is let go with an orderly end, as an API server does. Does not know which changes are wanted: watches.ts does.

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How bytes are broken on their way. */
export interface Wire {
  /** Writes are cut into pieces of so many bytes. */
  readonly chunkBytes?: number | undefined
  /** What may wait for a reader before it is let go. */
  readonly slowBytes?: number | undefined
}

export class OpenWatch {
  readonly resource: string
  readonly response: ServerResponse
  /** Up to where the reader was shown changes. */
  version: number
  /** Up to where it was told that it knows all: by its own version, then by bookmarks. */
  marked: number
  private readonly wire: () => Wire
  private readonly onEnd: () => void
  private waiting: Buffer[] = []
  private scheduled = false
  private over = false
  /** From now on nothing is sent and the socket stays open. */
  private mute = false
  private cutAfter = Number.POSITIVE_INFINITY
  /** The state that a watch begins with is waited for, however large. */
  private isBeginning = false

  constructor(
    resource: string,
    version: number,
    response: ServerResponse,
    wire: () => Wire,
    onEnd: () => void,
  ) {
    this.resource = resource
    this.version = version
    this.marked = version
    this.response = response
    this.wire = wire
    this.onEnd = onEnd
    response.once('close', () => this.stop())
  }

  send(bytes: Buffer): void {
    if (this.over || this.mute) return
    this.waiting.push(bytes)
    if (this.scheduled) return
    this.scheduled = true
    queueMicrotask(() => this.flush())
  }

  private flush(): void {
    this.scheduled = false
    if (this.over || this.waiting.length === 0) return
    const [first, ...more] = this.waiting
    const bytes = more.length === 0 && first ? first : Buffer.concat(this.waiting)
    this.waiting = []
    if (bytes.length >= this.cutAfter) return this.cut(bytes)
    this.cutAfter -= bytes.length
    this.write(bytes)
    const { slowBytes } = this.wire()
    const isSlow = slowBytes !== undefined && this.response.writableLength > slowBytes
    if (isSlow && !this.isBeginning) this.end()
  }

  private write(bytes: Buffer): void {
    const size = this.wire().chunkBytes ?? bytes.length
    for (let at = 0; at < bytes.length; at += size) this.response.write(bytes.subarray(at, at + size))
  }

  private cut(bytes: Buffer): void {
    this.response.write(bytes.subarray(0, this.cutAfter), () => this.reset())
    this.stop()
  }

  /** Breaks off for good after so many bytes, inside whatever frame that is. */
  cutIn(bytes: number): void {
    this.cutAfter = bytes
  }

  begins(): void {
    this.isBeginning = true
    this.response.once('drain', () => {
      this.isBeginning = false
    })
  }

  silence(): void {
    this.mute = true
  }

  /** The orderly end, as at its time-out. */
  end(): void {
    if (this.over) return
    this.flush()
    this.stop()
    this.response.end()
  }

  reset(): void {
    this.stop()
    resetSocket(this.response.socket)
  }

  private stop(): void {
    if (this.over) return
    this.over = true
    this.waiting = []
    this.onEnd()
  }
}

/** With a RST, as a process that was killed or a middlebox leaves it; of TLS it is the connection below that can. */
export function resetSocket(socket: Socket | null): void {
  const below = (socket as { readonly _parent?: Socket | null } | null)?._parent ?? socket
  try {
    below?.resetAndDestroy()
  } catch {
    below?.destroy()
  }
  socket?.destroy()
}
