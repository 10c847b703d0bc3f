// Owns the signature of a Mach-O program: ad hoc, which says nothing about who made it, and without which macOS on ARM runs nothing.
// Promises what `codesign --sign -` comes to: a code directory of SHA-256 hashes, the same bytes for the same program.
// Does not notarise: that takes an Apple developer's identity, and Gatekeeper asks for it of what a browser downloaded.

import { createHash } from 'node:crypto'

const MAGIC_64 = 0xfeedfacf
const SEGMENT_64 = 0x19
const CODE_SIGNATURE = 0x1d
const HEADER_BYTES = 32
const PAGE = 4096
/** Of ARM Macs; the others' 4 KiB divide it. */
const VM_PAGE = 0x4000n

const SUPER_BLOB = 0xfade0cc0
const CODE_DIRECTORY = 0xfade0c02
/** With the fields for the executable segment. */
const VERSION = 0x20400
const DIRECTORY_BYTES = 88
const AD_HOC = 0x2
const MAIN_BINARY = 1n
const SHA256 = { type: 2, bytes: 32 }

export interface Segment {
  readonly name: string
  /** Where its load command stands in the file. */
  readonly at: number
  readonly fileOffset: bigint
  readonly fileSize: bigint
  readonly sections: readonly string[]
}

export interface MachO {
  readonly segments: readonly Segment[]
  readonly commandsEnd: number
  /** Up to here load commands may grow. */
  readonly firstSection: number
  readonly signature: { readonly offset: number; readonly size: number } | undefined
}

export function readMachO(bytes: Buffer): MachO {
  if (bytes.readUInt32LE(0) !== MAGIC_64) throw new Error('not a 64-bit Mach-O file')
  const segments: Segment[] = []
  let signature: MachO['signature']
  let firstSection = Number.POSITIVE_INFINITY
  let at = HEADER_BYTES
  for (let count = bytes.readUInt32LE(16); count > 0; count--) {
    const [kind, size] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)]
    if (kind === SEGMENT_64) {
      const [segment, first] = readSegment(bytes, at)
      segments.push(segment)
      firstSection = Math.min(firstSection, first)
    } else if (kind === CODE_SIGNATURE)
      signature = { offset: bytes.readUInt32LE(at + 8), size: bytes.readUInt32LE(at + 12) }
    at += size
  }
  return { segments, commandsEnd: at, firstSection, signature }
}

const textAt = (bytes: Buffer, at: number): string =>
  bytes.toString('latin1', at, at + 16).replace(/\0.*$/s, '')

function readSegment(bytes: Buffer, at: number): [segment: Segment, firstSection: number] {
  const offsets: number[] = []
  const sections = Array.from({ length: bytes.readUInt32LE(at + 64) }, (_, index) => {
    const section = at + 72 + 80 * index
    const offset = bytes.readUInt32LE(section + 48)
    if (offset > 0) offsets.push(offset)
    return textAt(bytes, section)
  })
  const [fileOffset, fileSize] = [bytes.readBigUInt64LE(at + 40), bytes.readBigUInt64LE(at + 48)]
  return [{ name: textAt(bytes, at + 8), at, fileOffset, fileSize, sections }, Math.min(...offsets, Infinity)]
}

/** Of a program whose former signature is gone already. */
export function signAdHoc(unsigned: Buffer, identifier: string): Buffer {
  const { segments, commandsEnd, firstSection, signature } = readMachO(unsigned)
  const [text, linkEdit] = ['__TEXT', '__LINKEDIT'].map((name) => segments.find((one) => one.name === name))
  if (signature) throw new Error('the program still has a signature')
  if (!text || !linkEdit) throw new Error('the program has no __TEXT or no __LINKEDIT')
  if (commandsEnd + 16 > firstSection) throw new Error('there is no room for one more load command')
  const offset = Math.ceil(unsigned.length / 16) * 16
  const size = blobBytes(offset, identifier)
  const signed = Buffer.concat([unsigned, Buffer.alloc(offset - unsigned.length + size)])
  signed.writeUInt32LE(CODE_SIGNATURE, commandsEnd)
  signed.writeUInt32LE(16, commandsEnd + 4)
  signed.writeUInt32LE(offset, commandsEnd + 8)
  signed.writeUInt32LE(size, commandsEnd + 12)
  signed.writeUInt32LE(signed.readUInt32LE(16) + 1, 16)
  signed.writeUInt32LE(signed.readUInt32LE(20) + 16, 20)
  const linked = BigInt(offset + size) - linkEdit.fileOffset
  signed.writeBigUInt64LE(((linked + VM_PAGE - 1n) / VM_PAGE) * VM_PAGE, linkEdit.at + 32)
  signed.writeBigUInt64LE(linked, linkEdit.at + 48)
  superBlob(signed.subarray(0, offset), identifier, text).copy(signed, offset)
  return signed
}

const hashesAt = (identifier: string): number => DIRECTORY_BYTES + Buffer.byteLength(identifier) + 1
const pagesOf = (length: number): number => Math.ceil(length / PAGE)
const blobBytes = (length: number, identifier: string): number =>
  20 + hashesAt(identifier) + pagesOf(length) * SHA256.bytes

/** Blobs are big-endian, whatever the program is. */
function superBlob(code: Buffer, identifier: string, text: Segment): Buffer {
  const blob = Buffer.alloc(blobBytes(code.length, identifier))
  blob.writeUInt32BE(SUPER_BLOB, 0)
  blob.writeUInt32BE(blob.length, 4)
  blob.writeUInt32BE(1, 8)
  blob.writeUInt32BE(20, 16)
  codeDirectory(blob.subarray(20), code, identifier, text)
  return blob
}

function codeDirectory(blob: Buffer, code: Buffer, identifier: string, text: Segment): void {
  const pages = pagesOf(code.length)
  const words = [
    CODE_DIRECTORY,
    blob.length,
    VERSION,
    AD_HOC,
    hashesAt(identifier),
    DIRECTORY_BYTES,
    0,
    pages,
    code.length,
  ]
  words.forEach((word, index) => blob.writeUInt32BE(word, 4 * index))
  blob.writeUInt8(SHA256.bytes, 36)
  blob.writeUInt8(SHA256.type, 37)
  blob.writeUInt8(Math.log2(PAGE), 39)
  blob.writeBigUInt64BE(text.fileOffset, 64)
  blob.writeBigUInt64BE(text.fileSize, 72)
  blob.writeBigUInt64BE(MAIN_BINARY, 80)
  blob.write(identifier, DIRECTORY_BYTES)
  for (let page = 0; page < pages; page++)
    createHash('sha256')
      .update(code.subarray(page * PAGE, (page + 1) * PAGE))
      .digest()
      .copy(blob, hashesAt(identifier) + page * SHA256.bytes)
}
