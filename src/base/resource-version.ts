// Owns the order of resource versions. Promises none for forms that are not decimal numbers. Does not know what was written.

/** Resource versions of one resource are ordered decimal numbers (KEP-5504); any other form is not compared. */
export function isOlder(a: string, b: string): boolean {
  if (!isDecimal(a) || !isDecimal(b)) return false
  return a.length === b.length ? a < b : a.length < b.length
}

/** Whether both are one version of their object. What has none, as in recordings that leave it out, may be any. */
export const isSame = (a: string, b: string): boolean => a === b && a !== ''

/** Asked of two with every version of a pod: a loop, which costs a third of an expression. */
function isDecimal(version: string): boolean {
  for (let at = 0; at < version.length; at++) {
    const code = version.charCodeAt(at)
    if (code < ZERO_CODE || code > NINE_CODE) return false
  }
  return version.length > 0 && version.charCodeAt(0) !== ZERO_CODE
}

const ZERO_CODE = 48
const NINE_CODE = 57

/** 10^15 - 1 and all below are exact in a double; no store has counted so far. */
const DIGITS_MAX = 15

/** The number that this version is, if it is one that a double holds and that is written in no other way. */
export function versionNumber(version: string): number | undefined {
  if (version.length === 0 || version.length > DIGITS_MAX || version.charCodeAt(0) === ZERO_CODE)
    return undefined
  let number = 0
  for (let at = 0; at < version.length; at++) {
    const digit = version.charCodeAt(at) - ZERO_CODE
    if (digit < 0 || digit > 9) return undefined
    number = number * 10 + digit
  }
  return number
}
