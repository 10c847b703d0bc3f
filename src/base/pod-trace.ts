// Owns the way from a pod's UID to its trace id and back, as docs/spans.md gives it to everybody.
// Promises that the two undo each other. Does not know other ids (trace/identity.ts).

const UID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const isUid = (uid: string): boolean => UID.test(uid)

/** A UID without its hyphens, which stand at fixed places. */
export const digitsOf = (uid: string): string =>
  uid.slice(0, 8) + uid.slice(9, 13) + uid.slice(14, 18) + uid.slice(19, 23) + uid.slice(24)

/** The halves swapped, of a UID's 32 digits or of a trace id's: samplers read the low 8 bytes, and a UUID's variant bits there would pin the ratio. */
export const swapHalves = (digits: string): string => digits.slice(16) + digits.slice(0, 16)

/** The UID of the pod whose trace would have this id. */
export function uidOf(traceId: string): string {
  const u = swapHalves(traceId)
  return `${u.slice(0, 8)}-${u.slice(8, 12)}-${u.slice(12, 16)}-${u.slice(16, 20)}-${u.slice(20)}`
}
