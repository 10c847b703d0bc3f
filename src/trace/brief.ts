// Owns the shortening of what components say, to a part of one sentence.
// Promises one line of at most 160 characters, of components' own words. Spans carry the whole text.

const LENGTH_MAX = 160

/**
 * What the scheduler adds to its reasons when it has looked for devices and victims to take from others, and neither would help: it says that of every node, whatever
 * the reason. Why it may not even look is kept.
 */
const NO_HELP =
  /(?<=\.) (?:(?:not found|no new claims to deallocate)\.?|(?:no new claims to deallocate, )?preemption: \d+\/\d+ .*)$/

const inOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().replace(NO_HELP, '')

/** From its beginning. */
export function clip(text: string | undefined): string {
  const line = inOneLine(text ?? '')
  return line.length > LENGTH_MAX ? `${line.slice(0, LENGTH_MAX - 1)}…` : line
}

/**
 * What stands before an error and says nothing that its place in the sentence does not: client-go's mark of merged events, the kubelet's
 * and the runtimes' own words for what failed, and gRPC's for how.
 */
const WRAPPERS = [
  /^\(combined from similar events\): /,
  /^Back-off pulling image "[^"]*": (ErrImagePull: )?/,
  /^Failed to pull image "[^"]*": /,
  /^Failed to create pod sandbox: /,
  /^Error: /,
  /rpc error: code = \w+ desc = /g,
  /failed to pull and unpack image "[^"]*": /,
  /failed to resolve (reference "[^"]*"|image): /,
  /failed to create (containerd|shim) task: /g,
  /(OCI runtime create|runc create|container create) failed: /g,
  /unable to start container process: (error during container init: )?/,
  /Get "[^"]*": dial tcp \S+: /,
  /dial tcp \S+: (?=connect: )/,
  /:$/,
]

/** A container's, a sandbox's or an image's, of which twelve digits are enough, as on a command line. */
const LONG_ID = /\b([0-9a-f]{12})[0-9a-f]{52}\b/g

/** The scheduler's reasons come first, and what it thinks of preemption last. */
const SCHEDULER = /^\d+\/\d+ nodes are available: /

/** An error without its wrappers. A chain of errors ends with its cause, so one that is too long loses its middle. */
export function brief(error: string | undefined): string {
  const bare = WRAPPERS.reduce((text, wrapper) => text.replace(wrapper, ''), inOneLine(error ?? ''))
  const line = bare.replace(LONG_ID, '$1…')
  return line.length > LENGTH_MAX && !SCHEDULER.test(line) ? withoutMiddle(line) : clip(line)
}

const HEAD = 50

/** Cut between words, so that no half of a name is left; a word that is longer than that is cut. */
function withoutMiddle(line: string): string {
  const head = line.slice(0, HEAD)
  const tail = line.slice(line.length - (LENGTH_MAX - HEAD - 2))
  return `${head.replace(/ \S*$/, '')} …${tail.replace(/^\S{0,60} /, ' ')}`
}
