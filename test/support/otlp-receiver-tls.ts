// Owns certificates for tests: an authority, a server for localhost, a client, and a stranger's client.
// Promises fresh keys on every call, and no openssl on the machine. Not for anything but tests.

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface Identity {
  readonly cert: string
  readonly key: string
}

export interface TestCertificates {
  /** The certificate that signed `server` and `client`. */
  readonly ca: string
  readonly server: Identity
  readonly client: Identity
  /** Signed by an authority that nobody here knows. */
  readonly stranger: Identity
}

export function createTestCertificates(): TestCertificates {
  const ca = createAuthority('podspan test authority')
  const unknown = createAuthority('another authority')
  return {
    ca: ca.pem,
    server: ca.issue('localhost'),
    client: ca.issue('client'),
    stranger: unknown.issue('client'),
  }
}

function createAuthority(name: string) {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certify = (subject: string, publicKey: KeyObject, isCa: boolean): string =>
    pem('CERTIFICATE', certificate({ issuer: name, subject, publicKey, signer: keys.privateKey, isCa }))
  return {
    pem: certify(name, keys.publicKey, true),
    issue: (subject: string): Identity => {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      return {
        cert: certify(subject, own.publicKey, false),
        key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      }
    },
  }
}

interface CertificateOptions {
  readonly issuer: string
  readonly subject: string
  readonly publicKey: KeyObject
  readonly signer: KeyObject
  readonly isCa: boolean
}

/** X.509 v3 (RFC 5280), signed with ECDSA and SHA-256. */
function certificate({ issuer, subject, publicKey, signer, isCa }: CertificateOptions): Buffer {
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const dayMs = 86_400_000
  const signed = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(issuer),
    sequence(utcTime(Date.now() - dayMs), utcTime(Date.now() + dayMs)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(basicConstraints(isCa), alternativeNames())),
  )
  return sequence(signed, algorithm, bitString(sign('sha256', signed, signer)))
}

const basicConstraints = (isCa: boolean): Buffer =>
  sequence(oid('551d13'), octetString(isCa ? sequence(der(0x01, Buffer.from([0xff]))) : sequence()))

const alternativeNames = (): Buffer =>
  sequence(
    oid('551d11'),
    octetString(sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))),
  )

const distinguishedName = (name: string): Buffer =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))))

const utcTime = (ms: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`))

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, Buffer.concat(parts))
const tagged = (tag: number, content: Buffer): Buffer => der(tag, content)
const integer = (bytes: Buffer): Buffer => der(0x02, bytes)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const octetString = (content: Buffer): Buffer => der(0x04, content)
const bitString = (content: Buffer): Buffer => der(0x03, Buffer.concat([Buffer.from([0]), content]))

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const pem = (label: string, content: Buffer): string =>
  `-----BEGIN ${label}-----\n${content.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END ${label}-----\n`
