// Owns the list of all scenarios. Promises a name only once. Does not run them.

import { causeScenarios } from './causes.ts'
import { deviceScenarios } from './devices.ts'
import { failureScenarios } from './failures.ts'
import { imageVolumeScenarios } from './image-volumes.ts'
import { nodeScenarios } from './node.ts'
import { plainScenarios } from './plain.ts'
import { rolloutScenarios } from './rollouts.ts'
import { probeScenarios } from './probes.ts'
import { queueScenarios } from './queues.ts'
import { schedulingScenarios } from './scheduling.ts'
import { stallScenarios } from './stalls.ts'
import type { Scenario } from './stage.ts'
import { versionScenarios } from './versions.ts'
import { workloadScenarios } from './workloads.ts'

export const scenarios: readonly Scenario[] = [
  ...plainScenarios,
  ...failureScenarios,
  ...imageVolumeScenarios,
  ...probeScenarios,
  ...schedulingScenarios,
  ...workloadScenarios,
  ...rolloutScenarios,
  ...causeScenarios,
  ...nodeScenarios,
  ...queueScenarios,
  ...deviceScenarios,
  ...versionScenarios,
  ...stallScenarios,
]
