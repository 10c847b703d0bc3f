// Owns a real Prometheus for tests: its configuration, its process, and what its API says.
// Promises that it ends with the test that started it, listens to this machine alone, and takes exemplars. Does not assert anything.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildTool } from '../cluster/build.ts'
import { readCluster } from '../cluster/cluster.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { endOf, freeAddresses } from './processes.ts'

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

export interface Prometheus extends AsyncDisposable {
  query(expression: string): Promise<readonly Sample[]>
  /** Trace ids of the exemplars of the series in an expression, over the last hour. */
  exemplars(expression: string): Promise<readonly string[]>
}

export interface PrometheusOptions {
  readonly scrapes: readonly object[]
  /** Rule groups. */
  readonly groups?: readonly object[]
  /** Blocks that are there already, instead of an empty directory. */
  readonly data?: string
}

const EVERY = '1s'

/** Scrapes and evaluates every second. */
export async function startPrometheus({
  scrapes,
  groups = [],
  data,
}: PrometheusOptions): Promise<Prometheus> {
  const { prometheus = '' } = await buildTool('prometheus')
  const directory = await mkdtemp(join(tmpdir(), 'podspan-prometheus-'))
  const config = {
    global: { scrape_interval: EVERY, scrape_timeout: EVERY, evaluation_interval: EVERY },
    rule_files: ['rules.json'],
    storage: { exemplars: { max_exemplars: 10_000 } },
    scrape_configs: scrapes,
  }
  await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(config))
  await writeFile(join(directory, 'rules.json'), JSON.stringify({ groups }))
  const [address = ''] = await freeAddresses(1)
  const child = spawn(
    prometheus,
    [
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${data ?? join(directory, 'data')}`,
      `--web.listen-address=${address}`,
      '--enable-feature=exemplar-storage',
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const get = async (path: string): Promise<Response | undefined> => {
    const answer = fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(10_000) })
    return answer.catch(() => undefined)
  }
  await eventually('Prometheus is ready', async () => (await get('/-/ready'))?.ok === true, 20)
  return {
    query: async (expression) =>
      samplesOf(await get(`/api/v1/query?query=${encodeURIComponent(expression)}`)),
    exemplars: async (expression) => {
      const now = Date.now() / 1000
      const range = `start=${now - 3600}&end=${now}`
      return traceIdsOf(await get(`/api/v1/query_exemplars?query=${encodeURIComponent(expression)}&${range}`))
    },
    [Symbol.asyncDispose]: async () => {
      await endOf(child)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Podspan's pods, found as by a PodMonitor of the chart: with its labels, and its job. */
export const scrapeOfPods = (namespace: string): object => ({
  job_name: `${namespace}/podspan`,
  honor_labels: true,
  kubernetes_sd_configs: [
    { role: 'pod', kubeconfig_file: readCluster().kubeconfig, namespaces: { names: [namespace] } },
  ],
  relabel_configs: [
    {
      source_labels: [
        '__meta_kubernetes_pod_label_app_kubernetes_io_name',
        '__meta_kubernetes_pod_container_port_name',
      ],
      regex: 'podspan;http',
      action: 'keep',
    },
    { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
    { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
    { source_labels: ['__meta_kubernetes_pod_container_name'], target_label: 'container' },
  ],
})

async function dataOf<T>(response: Response | undefined): Promise<T> {
  if (!response?.ok) throw new Error(`Prometheus answered ${response?.status}: ${await response?.text()}`)
  return ((await response.json()) as { data: T }).data
}

interface Vector {
  readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[]
}

async function samplesOf(response: Response | undefined): Promise<readonly Sample[]> {
  const { result } = await dataOf<Vector>(response)
  return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }))
}

interface Exemplars {
  readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>> }[]
}

async function traceIdsOf(response: Response | undefined): Promise<readonly string[]> {
  const found = await dataOf<readonly Exemplars[]>(response)
  return found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels['trace_id'] ?? ''))
}
