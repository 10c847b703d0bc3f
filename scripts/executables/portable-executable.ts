// Owns what a Windows program needs before and after the bundle is put into it: its maker's signature taken off, its checksum right.
// Promises to change nothing else. Does not sign: that takes a certificate, which `osslsigncode` applies on any platform.

const HEADER_AT = 0x3c
const OPTIONAL_AT = 24
const CHECKSUM_AT = OPTIONAL_AT + 64
/** Of PE32+, after whose 112 bytes the directories follow, 8 bytes each. */
const SECURITY_AT = OPTIONAL_AT + 112 + 4 * 8
const PE32_PLUS = 0x20b

export interface PortableExecutable {
  readonly machine: number
  readonly sections: readonly string[]
  readonly checksum: number
  readonly signature: { readonly offset: number; readonly size: number } | undefined
}

export function readPortableExecutable(bytes: Buffer): PortableExecutable {
  const at = headerOf(bytes)
  const table = at + OPTIONAL_AT + bytes.readUInt16LE(at + 20)
  const sections = Array.from({ length: bytes.readUInt16LE(at + 6) }, (_, index) =>
    bytes.toString('latin1', table + 40 * index, table + 40 * index + 8).replace(/\0.*$/s, ''),
  )
  const [offset, size] = [bytes.readUInt32LE(at + SECURITY_AT), bytes.readUInt32LE(at + SECURITY_AT + 4)]
  return {
    machine: bytes.readUInt16LE(at + 4),
    sections,
    checksum: bytes.readUInt32LE(at + CHECKSUM_AT),
    signature: size === 0 ? undefined : { offset, size },
  }
}

function headerOf(bytes: Buffer): number {
  const at = bytes.toString('latin1', 0, 2) === 'MZ' ? bytes.readUInt32LE(HEADER_AT) : 0
  if (at === 0 || bytes.toString('latin1', at, at + 4) !== 'PE\0\0') throw new Error('not a Windows program')
  if (bytes.readUInt16LE(at + OPTIONAL_AT) !== PE32_PLUS) throw new Error('not a 64-bit Windows program')
  return at
}

/** The certificates stand at the end of the file; what is changed afterwards would make them false. */
export function withoutSignature(bytes: Buffer): Buffer {
  const { signature } = readPortableExecutable(bytes)
  if (!signature) return bytes
  if (signature.offset + signature.size !== bytes.length)
    throw new Error('the signature is not the last of the file')
  const stripped = Buffer.from(bytes.subarray(0, signature.offset))
  stripped.fill(0, headerOf(bytes) + SECURITY_AT, headerOf(bytes) + SECURITY_AT + 8)
  return stripped
}

/** In place. */
export function writeChecksum(bytes: Buffer): void {
  const at = headerOf(bytes) + CHECKSUM_AT
  bytes.writeUInt32LE(0, at)
  bytes.writeUInt32LE(checksumOf(bytes), at)
}

/** All words of two bytes added with carry, and the length. */
function checksumOf(bytes: Buffer): number {
  let sum = 0
  const even = bytes.length - (bytes.length % 2)
  for (let at = 0; at < even; at += 2) {
    sum += bytes.readUInt16LE(at)
    sum = (sum & 0xffff) + (sum >>> 16)
  }
  if (even < bytes.length) sum += bytes.readUInt8(even)
  return (sum & 0xffff) + (sum >>> 16) + bytes.length
}
