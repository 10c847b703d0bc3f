// Owns what memory a test says is held. Promises a figure in which nothing stands that could go: what the collector has not come to yet
// is not held, and how much that is differs from run to run.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of buffers outside the heap that something still refers to. The second collection waits for the sweep of the first. */
export function heldInBuffers(): number {
  collect()
  collect()
  return process.memoryUsage().arrayBuffers
}
