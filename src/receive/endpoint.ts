// Owns what the two protocols of the receiver have in common: where they listen, with which certificates, and how they end.
// Promises types only. Does not listen.

export interface Endpoint {
  readonly protocol: 'grpc' | 'http'
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/** Contents in PEM; with `ca` senders have to show a certificate that it has signed. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  readonly ca?: string
}

export interface Listening {
  readonly port: number
  /** Ends every connection; who sends comes back, perhaps elsewhere. */
  disconnect(): void
  close(): Promise<void>
}
