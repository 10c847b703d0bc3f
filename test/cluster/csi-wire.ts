// Owns the few protobuf messages of CSI and of the kubelet's plugin registration that our driver speaks, by field number.
// Promises plain encoding of what it is given. Does not know a whole message: only the fields that are read or answered.

/** Texts and messages by field number; of numbers and booleans only what a driver for tests answers. */
export type Field = readonly [number: number, value: string | number | Buffer]

const SIZED = 2

export function encode(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap(([number, value]) => encodeField(number, value)))
}

function encodeField(number: number, value: string | number | Buffer): Buffer[] {
  if (typeof value === 'number') return [varint(number << 3), varint(value)]
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return [varint((number << 3) | SIZED), varint(bytes.length), bytes]
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** The first text of each sized field; fields of other kinds are passed over. */
export function texts(message: Buffer): ReadonlyMap<number, string> {
  const found = new Map<number, string>()
  let at = 0
  const read = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = message[at++] ?? 0
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const tag = read()
    const [number, kind] = [tag >> 3, tag & 7]
    if (kind === SIZED) {
      const length = read()
      if (!found.has(number)) found.set(number, message.toString('utf8', at, at + length))
      at += length
    } else if (kind === 0) read()
    else at += kind === 1 ? 8 : 4
  }
  return found
}
