// Owns a real control plane of its own for tests that break it: etcd and kube-apiserver, the cluster's binaries, free ports.
// Promises to touch nothing of the shared cluster, so that tests beside it are not disturbed, and to end what it started.
// Does not run controllers, a scheduler or a kubelet: pods stay as they are written.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { selfSigned } from '../simulator/certificate.ts'

const ADMIN = 'admin-token'
const THROTTLED = 'throttled-token'

export interface RealOptions {
  readonly binaries: Readonly<Record<string, string>>
}

export class RealApiServer {
  readonly url: string
  readonly adminToken = ADMIN
  readonly ca = selfSigned().cert
  private readonly directory = mkdtempSync(join(tmpdir(), 'podspan-real-'))
  private readonly binaries: Readonly<Record<string, string>>
  private readonly ports: { readonly api: number; readonly etcd: number; readonly peer: number }
  private readonly agent = new Agent({ connect: { ca: this.ca } })
  private etcd: ChildProcess | undefined
  private server: ChildProcess | undefined

  private constructor(options: RealOptions, ports: RealApiServer['ports']) {
    this.binaries = options.binaries
    this.ports = ports
    this.url = `https://127.0.0.1:${ports.api}`
  }

  static async start(options: RealOptions): Promise<RealApiServer> {
    const [api = 0, etcd = 0, peer = 0] = await freePorts(3)
    const real = new RealApiServer(options, { api, etcd, peer })
    real.writeFiles()
    real.startEtcd()
    try {
      await real.startServer()
      return real
    } catch (error) {
      await real.close()
      throw error
    }
  }

  private file(name: string): string {
    return join(this.directory, name)
  }

  private writeFiles(): void {
    const { key, cert } = selfSigned()
    writeFileSync(this.file('key.pem'), key)
    writeFileSync(this.file('cert.pem'), cert)
    writeFileSync(
      this.file('tokens.csv'),
      `${ADMIN},admin,admin,system:masters\n${THROTTLED},throttled,throttled\n`,
    )
    execFileSync('openssl', ['genrsa', '-out', this.file('sa.key'), '2048'], { stdio: 'ignore' })
  }

  private startEtcd(): void {
    const client = `http://127.0.0.1:${this.ports.etcd}`
    const peer = `http://127.0.0.1:${this.ports.peer}`
    this.etcd = spawn(
      this.binaries['etcd'] ?? '',
      [`--data-dir=${this.file('etcd')}`, '--unsafe-no-fsync', '--name=default']
        .concat([`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`])
        .concat([`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`])
        .concat([`--initial-cluster=default=${peer}`]),
      { stdio: 'ignore' },
    )
  }

  async startServer(flags: readonly string[] = []): Promise<void> {
    this.server = spawn(
      this.binaries['kube-apiserver'] ?? '',
      [`--etcd-servers=http://127.0.0.1:${this.ports.etcd}`, '--bind-address=127.0.0.1']
        .concat([`--secure-port=${this.ports.api}`, '--service-cluster-ip-range=10.96.0.0/24'])
        .concat([
          `--tls-cert-file=${this.file('cert.pem')}`,
          `--tls-private-key-file=${this.file('key.pem')}`,
        ])
        .concat([`--token-auth-file=${this.file('tokens.csv')}`, '--authorization-mode=RBAC'])
        .concat(['--service-account-issuer=https://kubernetes.default.svc'])
        .concat([`--service-account-key-file=${this.file('sa.key')}`])
        .concat([`--service-account-signing-key-file=${this.file('sa.key')}`])
        // Nobody asks there; without it, it would take the address of the default route, and a cluster apart has none.
        .concat(['--advertise-address=192.0.2.1'])
        // Without controllers no namespace gets its default account.
        .concat(['--disable-admission-plugins=ServiceAccount', ...flags]),
      { stdio: 'ignore' },
    )
    await this.ready()
  }

  private async ready(): Promise<void> {
    for (let n = 0; n < 600; n++) {
      if (
        await this.call('GET', '/readyz').then(
          (answer) => answer.code === 200,
          () => false,
        )
      )
        return
      await delay(100)
    }
    throw new Error('the API server did not become ready within a minute')
  }

  /** As a crash: connections break, memory (the watch cache) is lost, etcd is not. */
  async kill(): Promise<void> {
    await ended(this.server, 'SIGKILL')
  }

  pause(): void {
    this.server?.kill('SIGSTOP')
  }

  resume(): void {
    this.server?.kill('SIGCONT')
  }

  /** Forgets every revision before now. */
  async compact(): Promise<void> {
    const ask = async (path: string, body: object): Promise<Record<string, unknown>> => {
      const answer = await request(`http://127.0.0.1:${this.ports.etcd}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
      })
      return (await answer.body.json()) as Record<string, unknown>
    }
    const status = await ask('/v3/maintenance/status', {})
    const { revision } = status['header'] as { revision: string }
    await ask('/v3/kv/compaction', { revision, physical: true })
  }

  async call(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    token = ADMIN,
  ): Promise<{ code: number; text: string }> {
    const answer = await request(`${this.url}${path}`, {
      method,
      dispatcher: this.agent,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { code: answer.statusCode, text: await answer.body.text() }
  }

  /** A token of a user for whom priority and fairness has one seat, which is taken for the next seconds. */
  async throttled(): Promise<string> {
    const root = '/apis/flowcontrol.apiserver.k8s.io/v1'
    const limited = { nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0 }
    await this.call('POST', `${root}/prioritylevelconfigurations`, {
      metadata: { name: 'nothing' },
      spec: { type: 'Limited', limited: { ...limited, limitResponse: { type: 'Reject' } } },
    })
    const anything = {
      verbs: ['*'],
      apiGroups: ['*'],
      resources: ['*'],
      namespaces: ['*'],
      clusterScope: true,
    }
    await this.call('POST', `${root}/flowschemas`, {
      metadata: { name: 'nothing' },
      spec: {
        matchingPrecedence: 2,
        priorityLevelConfiguration: { name: 'nothing' },
        rules: [{ subjects: [{ kind: 'User', user: { name: 'throttled' } }], resourceRules: [anything] }],
      },
    })
    const rbac = '/apis/rbac.authorization.k8s.io/v1'
    await this.call('POST', `${rbac}/clusterrolebindings`, {
      metadata: { name: 'throttled' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'throttled' }],
    })
    // One request has a seat all the same: a list of what is not there yet keeps it for three seconds.
    const pods = '/api/v1/pods'
    const holding = `${pods}?resourceVersion=999999999999&resourceVersionMatch=NotOlderThan`
    const code = (path: string) => this.call('GET', path, undefined, THROTTLED).then((answer) => answer.code)
    for (let n = 0; n < 20; n++) {
      // It need not live to see the answer.
      void code(holding).catch(() => undefined)
      for (let looks = 0; looks < 10; looks++) {
        await delay(100)
        if ((await code(pods)) === 429) return THROTTLED
      }
    }
    throw new Error('priority and fairness refused nothing')
  }

  async close(): Promise<void> {
    this.resume()
    await ended(this.server, 'SIGKILL')
    await ended(this.etcd, 'SIGKILL')
    await this.agent.destroy()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function ended(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listening(createServer())))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

const listening = (server: Server): Promise<Server> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))

/** A door between a client and the server: shut, it breaks what is open and refuses what comes. */
export class Door implements AsyncDisposable {
  readonly url: string
  private readonly server: Server
  private readonly sockets = new Set<Socket>()
  private isShut = false

  private constructor(server: Server) {
    this.server = server
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async before(url: string): Promise<Door> {
    const server = createServer((incoming) => door.through(incoming, Number(new URL(url).port)))
    const door = new Door(await listening(server))
    return door
  }

  private through(incoming: Socket, port: number): void {
    if (this.isShut) return void incoming.destroy()
    const onward = connect(port, '127.0.0.1')
    for (const socket of [incoming, onward]) {
      this.sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        this.sockets.delete(socket)
        incoming.destroy()
        onward.destroy()
      })
    }
    incoming.pipe(onward).pipe(incoming)
  }

  shut(): void {
    this.isShut = true
    for (const socket of this.sockets) socket.destroy()
  }

  open(): void {
    this.isShut = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shut()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
