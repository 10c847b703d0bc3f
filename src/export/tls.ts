// Owns reading the certificates of a connection.
// Promises to read the files anew for every new connection, so that a rotated certificate is used without a restart.
// Does not verify anything: Node's TLS does.

import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { ConfigError, type OtlpConfig } from './config.ts'

export interface TlsMaterial {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

/** Throws a ConfigError where the files do not make a TLS context, such as a key that is not the certificate's. */
export function checkTls(config: OtlpConfig): void {
  const material = readTls(config)
  try {
    createSecureContext(material)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`certificate, clientCertificate, clientKey: not usable for TLS (${why})`, { cause })
  }
}

/** Throws a ConfigError that names the file that cannot be read. */
export function readTls(config: OtlpConfig): TlsMaterial {
  if (!config.secure) return {}
  return {
    ...(config.certificate !== undefined && { ca: readNamed('certificate', config.certificate) }),
    ...(config.clientCertificate !== undefined && {
      cert: readNamed('clientCertificate', config.clientCertificate),
    }),
    ...(config.clientKey !== undefined && { key: readNamed('clientKey', config.clientKey) }),
  }
}

function readNamed(option: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`${option}: ${JSON.stringify(path)} cannot be read (${why}); expected a PEM file`, {
      cause,
    })
  }
}
