// Owns what a decoder may answer: a record, a bookmark, an API status, or an error that says what was wrong and where.
// Promises that no decoder throws: the one exception type below never leaves src/decode.
// Does not decide what an error costs; that is the watch's.

import type { AnyRecord } from '../base/record.ts'

/** `truncated`: the bytes end early; `malformed`: they are not the encoding; `wrong-type`, `missing`: a field; `unexpected-kind`: another object; `unsupported`: a resource we do not read. */
export type DecodeErrorKind =
  | 'truncated'
  | 'malformed'
  | 'wrong-type'
  | 'missing'
  | 'unexpected-kind'
  | 'unsupported'

export interface DecodeError {
  readonly kind: DecodeErrorKind
  /** What was wrong, constant for its cause so that it can be said once. */
  readonly what: string
  /** The field's path in JSON, the byte offset in protobuf. */
  readonly where: string
}

export type Decoded =
  | { readonly ok: true; readonly record: AnyRecord }
  | { readonly ok: false; readonly error: DecodeError }

/** The parts of a `metav1.Status` that decide what to do next. */
export interface ApiStatus {
  readonly code: number
  readonly reason?: string
  readonly message?: string
  readonly retryAfterSeconds?: number
  /** Reasons of `details.causes`, such as `ResourceVersionTooLarge`. */
  readonly causes?: readonly string[]
  /** A 410 while paging may carry a fresh token for the rest of the list. */
  readonly continueToken?: string
}

export type WatchType = 'ADDED' | 'MODIFIED' | 'DELETED'

export type WatchItem =
  | { readonly kind: 'object'; readonly type: WatchType; readonly record: AnyRecord }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string; readonly initialEventsEnd: boolean }
  | { readonly kind: 'status'; readonly status: ApiStatus }
  | { readonly kind: 'undecodable'; readonly error: DecodeError }

export interface ListMeta {
  readonly resourceVersion: string
  readonly continueToken?: string
  readonly remaining?: number
}

/** Of a list whose envelope could be read: its items are decoded as they are asked for, once. */
export type OpenedList =
  | { readonly ok: true; readonly meta: ListMeta; readonly items: Iterable<Decoded> }
  | { readonly ok: false; readonly error: DecodeError }

/** Thrown and caught inside src/decode only: a result at every field would cost more than the decoding itself. */
export class DecodeFailure extends Error {
  readonly kind: DecodeErrorKind
  readonly where: string
  constructor(kind: DecodeErrorKind, what: string, where: string) {
    super(what)
    this.kind = kind
    this.where = where
  }
}

/** The value of a failure; a bug in a decoder (any other exception) is passed on. */
export function errorOf(thrown: unknown): DecodeError {
  if (!(thrown instanceof DecodeFailure)) throw thrown
  return { kind: thrown.kind, what: thrown.message, where: thrown.where }
}

export type Mutable<T> = { -readonly [K in keyof T]: T[K] }
