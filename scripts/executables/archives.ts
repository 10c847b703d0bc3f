// Owns the archives that executables are handed out in: .tar.gz, and .zip for Windows.
// Promises the same bytes for the same files, on any machine: no times, no owners, one order. Holds everything in memory.

import { constants, crc32, deflateRawSync, gzipSync } from 'node:zlib'

export interface Entry {
  readonly name: string
  readonly content: Buffer
  readonly isExecutable: boolean
}

const LEVEL = { level: constants.Z_BEST_COMPRESSION }
/** 1980-01-01, the earliest that zip can say; tar gets the same. */
const SECONDS = 315_532_800
const DOS_DATE = (1 << 5) | 1

const modeOf = ({ isExecutable }: Entry): number => (isExecutable ? 0o755 : 0o644)

export function tarGz(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap((entry) => [tarHeader(entry), entry.content, padding(entry.content.length)])
  const packed = gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]), LEVEL)
  // The byte that names the packing machine's system: unknown.
  packed.writeUInt8(255, 9)
  return packed
}

const padding = (length: number): Buffer => Buffer.alloc((512 - (length % 512)) % 512)

function tarHeader(entry: Entry): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, at: number, width: number): void => {
    header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1')
  }
  header.write(entry.name, 0, 'latin1')
  octal(modeOf(entry), 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(entry.content.length, 124, 12)
  octal(SECONDS, 136, 12)
  header.write('        ', 148, 'latin1')
  header.write('0', 156, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

export function zip(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const packed = deflateRawSync(entry.content, LEVEL)
    const facts = zipFacts(entry, packed)
    const local = Buffer.concat([Buffer.from('PK\x03\x04\x14\0', 'latin1'), facts, Buffer.from(entry.name)])
    directory.push(zipDirectoryEntry(entry, facts, offset))
    parts.push(local, packed)
    offset += local.length + packed.length
  }
  const listing = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(listing.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, listing, end])
}

/** What stands before each file and in the directory alike: flags, method, time, sum and lengths. */
function zipFacts({ name, content }: Entry, packed: Buffer): Buffer {
  const facts = Buffer.alloc(24)
  facts.writeUInt16LE(8, 2)
  facts.writeUInt16LE(DOS_DATE, 6)
  facts.writeUInt32LE(crc32(content), 8)
  facts.writeUInt32LE(packed.length, 12)
  facts.writeUInt32LE(content.length, 16)
  facts.writeUInt16LE(Buffer.byteLength(name), 20)
  return facts
}

function zipDirectoryEntry(entry: Entry, facts: Buffer, offset: number): Buffer {
  const rest = Buffer.alloc(14)
  // The upper half of its attributes is Unix's mode.
  rest.writeUInt32LE((0o100000 | modeOf(entry)) * 0x10000, 6)
  rest.writeUInt32LE(offset, 10)
  // Made by version 2.0 on Unix, which is what makes that mode count.
  return Buffer.concat([
    Buffer.from('PK\x01\x02\x14\x03\x14\0', 'latin1'),
    facts,
    rest,
    Buffer.from(entry.name),
  ])
}
