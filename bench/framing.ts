// Owns the limit that no client of this protocol in this process can pass: the bytes of both watches, read and cut into frames.
// Promises the sockets and the splitter that the product has, and nothing behind them. Does not decode, and answers no failure but by throwing.

import { systemClock } from '../src/base/clock.ts'
import { type Connection, openDirect } from '../src/kube/config.ts'
import { knownResource } from '../src/decode/resources.ts'
import { splitLengthDelimited } from '../src/kube/frame-split.ts'
import { acceptOf, queryOf } from '../src/kube/paths.ts'
import { REFLECTOR_LIMITS } from '../src/kube/reflector.ts'
import { send } from '../src/kube/request.ts'

export async function watchFraming(server: string, ca: string, onFrame: () => void): Promise<void> {
  const connection = openDirect(server, {}, { ca })
  await Promise.all(['pods', 'events'].map((source) => open(connection, source, onFrame)))
}

function open(connection: Connection, source: string, onFrame: () => void): Promise<void> {
  const resource = knownResource(source)
  return new Promise((resolve, reject) => {
    const splitter = splitLengthDelimited(REFLECTOR_LIMITS.maxFrameBytes, {
      frame: onFrame,
      oversize: (length) => reject(new Error(`a frame of ${length} bytes`)),
    })
    send(
      connection,
      {
        path: queryOf(resource, {}, { watch: 1, resourceVersion: '0', allowWatchBookmarks: true }),
        accept: acceptOf(resource, 'protobuf', 'watch'),
        signal: new AbortController().signal,
        stream: systemClock(),
      },
      {
        opened: () => resolve(),
        data: (bytes, start, end) => splitter.push(bytes, start, end),
        ended: () => reject(new Error(`the watch of ${source} ended`)),
        failed: (failure) => reject(new Error(failure.message)),
      },
    )
  })
}
