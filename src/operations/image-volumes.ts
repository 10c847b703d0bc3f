// Owns the pulls of images that a pod mounts as volumes. The kubelet asks for them one after the other, in the order of the volumes,
// whenever it looks at the pod and before any container (kuberuntime_manager.go, getImageVolumes; on by default since 1.35).
// Promises one `pull image` for each, of no container, and that a container which waits for one is not said to have failed to pull its own.

import type { VolumeSpec } from '../base/record.ts'
import type { What } from '../observe/observation.ts'
import { combine, type Draft } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { ContainerContext } from './container-context.ts'
import type { ContainerHistory } from './container-history.ts'
import { SHORT_REPORT } from './tell-history.ts'
import { runsInOrder } from './runs.ts'
import { type Facts, factsOf } from './milestones.ts'
import { isObserved, type Plan } from './plan.ts'
import { type Pull, tellPulls } from './pull-history.ts'
import { planPulls, type Puller } from './pulls.ts'

/** One image, and the volumes that are of it. */
export interface ImageVolumes {
  readonly image: string
  readonly imagePullPolicy: string | undefined
  readonly volumes: readonly string[]
  readonly pulls: Pull[]
  /** When it was first found on the node. */
  readonly present: Draft | undefined
  /** Whether a pull of it failed, which containers that mount it are told as well. */
  readonly hasFailed: boolean
}

export function tellImageVolumes(facts: Facts): ImageVolumes[] {
  const byImage = Map.groupBy(
    (facts.pod.volumes ?? []).filter(({ image }) => image !== undefined),
    ({ image = '' }) => image,
  )
  if (byImage.size === 0) return []
  const said = PULLING.flatMap((what) =>
    factsOf(facts, what).filter(({ container }) => container === undefined),
  )
  const present = factsOf(facts, 'image present').find(({ container }) => container === undefined)
  return [...byImage].map(([image, volumes], index) => {
    const own = said.filter(({ detail }) => isImage(image, detail?.image))
    return {
      image,
      imagePullPolicy: policyOf(volumes),
      volumes: volumes.map(({ name }) => name),
      pulls: tellPulls(own, facts.clocks),
      // The event does not keep of which image it is; the first is asked for first.
      present: index === 0 && present ? combine('image present', present.stamps, facts.clocks) : undefined,
      hasFailed: own.some(({ what }) => what === 'pull failed'),
    }
  })
}

const PULLING: readonly What[] = ['pulling', 'pull failed', 'pulled']

/** An image without a tag is the latest, and may be told either way. */
const isImage = (image: string, said: string | undefined): boolean =>
  said === image || said === `${image}:latest`

const policyOf = (volumes: readonly VolumeSpec[]): string | undefined =>
  (volumes.find(({ imagePullPolicy }) => imagePullPolicy === 'Always') ?? volumes[0])?.imagePullPolicy

/** Without what a container was told of a volume's image: the failure of its own is reported in full before that. */
export function ownPulls(facts: readonly Fact[], images: readonly ImageVolumes[]): readonly Fact[] {
  if (images.length === 0) return facts
  const failures = facts.filter(({ what }) => what === 'pull failed')
  if (!failures.every(isShort)) return facts
  const isTold = images.some(
    ({ hasFailed, image }) => hasFailed || facts.some((fact) => waitsFor(fact, image)),
  )
  return isTold ? facts.filter((fact) => !failures.includes(fact)) : facts
}

/** The status quotes the failure in full. */
const waitsFor = ({ detail, what }: Fact, image: string): boolean =>
  what === 'waiting' && (detail?.message?.includes(image) ?? false)

const isShort = ({ detail }: Fact): boolean => SHORT_REPORT.test(detail?.message ?? '')

/** The first that is known of them: the sandbox was there. */
export const firstOfImages = (images: readonly ImageVolumes[]): Draft | undefined =>
  images.map(firstOf).find(isObserved)

function firstOf({ pulls, present }: ImageVolumes): Draft | undefined {
  const asked = pulls[0]?.requested
  if (asked?.best === undefined || present?.best === undefined) return asked ?? present
  return present.best < asked.best ? present : asked
}

/** Returns what the first container waits for: that each image had been asked for once, whether it came or not. */
export function planImageVolumes(
  plan: Plan,
  { node, uid }: ContainerContext,
  images: readonly ImageVolumes[],
  histories: readonly ContainerHistory[],
  sandbox: Draft | undefined,
): Draft | undefined {
  let prev = sandbox
  for (const one of images) {
    const [first] = one.pulls
    const isFirst = first?.requested.stamps.some(({ source }) => source === 'event-name') ?? false
    planPulls(plan, uid, pullerOf(one, histories), node, isFirst ? prev : sandbox)
    // Where the first request was not seen, this one may be of a later look at the pod.
    if (isFirst) prev = first?.ended ?? prev
  }
  return prev
}

function pullerOf(one: ImageVolumes, histories: readonly ContainerHistory[]): Puller {
  const { image, imagePullPolicy, pulls, volumes } = one
  return {
    path: `volume ${volumes[0] ?? ''}`,
    image,
    imagePullPolicy,
    pulls,
    attributes: { 'podspan.volume': volumes.join(', ') },
    attemptOf: (pull) => nextCreated(histories, pull),
  }
}

/** While an image is pulled the kubelet does nothing else for the pod; after a failed pull it goes on with containers that do not mount it. */
function nextCreated(
  histories: readonly ContainerHistory[],
  { ended, failed, requested }: Pull,
): Draft | undefined {
  const at = requested.best ?? ended?.best
  if (failed !== undefined || at === undefined) return undefined
  const created = histories
    .flatMap(({ runs }) => runsInOrder(runs).map(([, run]) => run.created ?? run.started))
    .filter((draft) => draft?.earliest !== undefined && draft.earliest >= at)
  return created.reduce((a, b) => ((b?.best ?? at) < (a?.best ?? at) ? b : a), created[0])
}
