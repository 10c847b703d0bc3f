// Owns what is to go wrong with requests: rules by resource and kind of request, each for so many times.
// Promises each rule's fault to the requests that it is for, in the order in which rules were made. Does not disturb open watches.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { resetSocket } from './open-watch.ts'
import { contentTypeOf, type Form, formOf, objectBytes, type Refusal, statusObject } from './forms.ts'

export interface SeenRequest {
  readonly resource: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly watch: boolean
  readonly method: string
  /** The resource of a single object that the path names; undefined where it names none. */
  readonly target: string | undefined
}

/** What to do to a request instead of answering it. */
export type Fault =
  | ({ readonly kind: 'status' } & Refusal)
  /** Priority and fairness, or the server's own limit. */
  | { readonly kind: 'too-many'; readonly retryAfter: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'body'; readonly contentType: string; readonly body: Buffer }
  /** Accepts a watch and ends it at once. */
  | { readonly kind: 'close' }

/** `write`: by any method but GET, of the resource itself and not of the last part of the path. */
export type What = 'list' | 'watch' | 'write' | 'any'

interface Rule {
  /** `*` is every one. */
  readonly resource: string
  readonly what: What
  readonly fault: Fault
  left: number
}

export class Faults {
  private rules: Rule[] = []

  add(resource: string, what: What, fault: Fault, times: number): void {
    this.rules.push({ resource, what, fault, left: times })
  }

  /** Without a resource all rules go. */
  clear(resource?: string): void {
    this.rules = this.rules.filter((rule) => resource !== undefined && rule.resource !== resource)
  }

  next(seen: SeenRequest): Fault | undefined {
    const rule = this.rules.find((each) => each.left > 0 && applies(each, seen))
    if (!rule) return undefined
    rule.left -= 1
    return rule.fault
  }
}

function applies({ resource, what }: Rule, seen: SeenRequest): boolean {
  if (what === 'write') return seen.method !== 'GET' && (resource === '*' || seen.target === resource)
  if (resource !== '*' && resource !== seen.resource) return false
  return what === 'any' || (what === 'watch') === seen.watch
}

export function inflict(fault: Fault, seen: SeenRequest, response: ServerResponse): void {
  switch (fault.kind) {
    case 'status':
      return refuse(seen, response, fault)
    case 'too-many':
      response.writeHead(429, {
        'content-type': 'text/plain; charset=utf-8',
        'retry-after': String(fault.retryAfter),
      })
      return void response.end('Too many requests, please try again later.\n')
    case 'reset':
      return resetSocket(response.socket)
    case 'silent':
      return
    case 'body':
      response.writeHead(200, { 'content-type': fault.contentType })
      return void response.end(fault.body)
    case 'close':
      response.writeHead(200, { 'content-type': `${contentTypeOf(formAsked(seen))};stream=watch` })
      response.end()
  }
}

/** A refusal is said in whatever form was asked for, in JSON where that cannot be. */
export function formAsked({ headers }: SeenRequest): Form {
  const { encoding } = formOf(headers.accept, undefined) ?? { encoding: 'json' }
  return { encoding, partial: false }
}

export function refuse(seen: SeenRequest, response: ServerResponse, refusal: Refusal): void {
  const form = formAsked(seen)
  const retry = refusal.retryAfter === undefined ? {} : { 'retry-after': String(refusal.retryAfter) }
  response.writeHead(refusal.code, { 'content-type': contentTypeOf(form), ...retry })
  response.end(objectBytes(statusObject(refusal), form))
}
