// Owns the exit codes of the command line and the one error that carries them.
// Promises that every expected failure is a sentence with a remedy and one of these codes; anything else is a bug, and exits 70.
// Does not print and does not exit.

export const EXIT = {
  ok: 0,
  finding: 1,
  usage: 2,
  cluster: 3,
  /** As where no cluster answers: there is no verdict. */
  inconclusive: 3,
  input: 4,
  notFound: 5,
  bug: 70,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export const EXIT_CODES_HELP = `Exit codes:
  0    done
  1    a finding: 'trace --exit-code' and the start did not become ready, 'rollout --exit-code' and
       the rollout is not complete, 'diff --exit-code' and starts got slower, 'check' found
       something missing, or 'session run' missed an objective or its command failed
  2    the command line is wrong
  3    no answer: the cluster cannot be reached, does not allow what the command needs, or has no
       Podspan that runs; 'session run' came to no verdict; or not all that 'replay' sent arrived
  4    an input file cannot be read as a recording, or the output cannot be written
  5    no such pod, workload, revision or session, or none of its starts can be shown any more
  70   a bug in podspan
  130  interrupted before there was a result`

/** An expected failure, in words for the person at the terminal. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode
  /** What is to be read one by one, each on a line of its own below the sentence. */
  readonly details: readonly string[]

  constructor(exitCode: ExitCode, sentence: string, details: readonly string[] = []) {
    super(sentence)
    this.exitCode = exitCode
    this.details = details
  }
}
