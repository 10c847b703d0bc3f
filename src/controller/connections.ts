// Owns how many connections a server has open, and which of them goes where one more comes.
// Promises that one that has just come is served, whatever others hold open: a probe opens a new one each time.
// Does not time a connection out: Node's server does.

import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** `onLimit` is called for each connection that had to go. */
export function boundConnections(server: Server, most: number, onLimit: () => void): void {
  /** Each in the order in which they came to be so. */
  const idle = new Set<Socket>()
  const asked = new Set<Socket>()
  server.on('connection', (socket) => {
    if (idle.size + asked.size >= most) {
      // An answer takes milliseconds: whoever has not read the oldest of them does not want it.
      letOldestGo(idle.size > 0 ? idle : asked)
      onLimit()
    }
    idle.add(socket)
    socket.once('close', () => {
      idle.delete(socket)
      asked.delete(socket)
    })
  })
  server.on('request', ({ socket }, response) => {
    if (!idle.delete(socket)) return
    asked.add(socket)
    response.once('close', () => {
      if (asked.delete(socket)) idle.add(socket)
    })
  })
}

function letOldestGo(sockets: Set<Socket>): void {
  const [oldest] = sockets
  if (!oldest) return
  // At once: it tells that it is closed only later, and another may come before.
  sockets.delete(oldest)
  oldest.destroy()
}
