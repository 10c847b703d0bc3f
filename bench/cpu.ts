// Owns the reading of what this process has used: processor time and peak resident memory.
// Promises processor time of all its threads, garbage collection included. Wall time on a shared machine says little beside it.
// Does not read other processes.

import { readFileSync } from 'node:fs'

/** Microseconds of processor time that the work took. */
export function cpuOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  return cpuSince(before)
}

export function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** VmHWM, in MB; where there is no /proc, what getrusage says of the same. */
export function peakRssMb(): number {
  try {
    const kb = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    if (kb !== undefined) return Number(kb) / 1024
  } catch {
    // No /proc here.
  }
  return process.resourceUsage().maxRSS / 1024
}

/** Bytes on the heap, and in buffers beside it, after everything that can go has gone. Needs --expose-gc. */
export function retainedBytes(): number {
  if (!globalThis.gc) throw new Error('run with --expose-gc')
  for (let round = 0; round < 4; round++) globalThis.gc()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
