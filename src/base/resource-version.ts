// Owns the order of resource versions. Promises none for forms that are not decimal numbers. Does not know what was written.

/** Resource versions of one resource are ordered decimal numbers (KEP-5504); any other form is not compared. */
export function isOlder(a: string, b: string): boolean {
  if (!DECIMAL.test(a) || !DECIMAL.test(b)) return false
  return a.length === b.length ? a < b : a.length < b.length
}

const DECIMAL = /^[1-9]\d*$/
