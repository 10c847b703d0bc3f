// Owns what a session needs to know of its target's rollout, and how it follows from the target's object.
// Promises the judgement of `kubectl rollout status` for built-in kinds. Does not read the cluster: the controller does.

/** One reading of the target. Absent (`undefined` in `SessionBook.rollout`) where the target does not exist. */
export interface RolloutState {
  /** Every pod of the current revision that is wanted is there and available, and the controller has seen the latest spec. */
  readonly complete: boolean
  /** Set where the target's own controller has given up, such as `ProgressDeadlineExceeded`. */
  readonly failed?: string
  /** In words: `12 of 20 updated pods are available`. */
  readonly progress: string
}
