// Owns a CSI driver for tests: a program that real components call as they call any driver, and whose calls take as long as the volume says.
// Promises one line of JSON per call on stdout, with when it began and ended. A volume is a directory, or, for who asks for a block device, a
// loop device; either is published by binding it.
// Usage: csi-driver.ts NODE KUBELET_DIRECTORY DATA_DIRECTORY. A volume's handle is `NAME?attach=MS&stage=MS&publish=MS&refuse=N&unpublished=N&files=N&copies=N`.

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js'
import { systemClock } from '../../src/base/clock.ts'
import { encode, type Field, texts } from './csi-wire.ts'

export const DRIVER = 'csi.podspan.dev'

const [node = '', kubelet = '', data = ''] = process.argv.slice(2)
const clock = systemClock()

type Request = ReadonlyMap<number, string>
type Handler = (request: Request) => Promise<readonly Field[]>

/** What the volume's handle asks for. */
interface Wishes {
  readonly name: string
  readonly get: (wish: string) => number
}

function wishesOf(handle: string): Wishes {
  const [name = '', query] = handle.split('?')
  const wishes = new URLSearchParams(query)
  return { name, get: (wish) => Number(wishes.get(wish) ?? 0) }
}

const NOTHING: readonly Field[] = []
const capability = (type: number): Field => [1, encode([[1, encode([[1, type]])]])]
const PUBLISH_UNPUBLISH = 2
const STAGE_UNSTAGE = 1
const CONTROLLER_SERVICE = 1

const refused = new Map<string, number>()

/** So often as the volume asks for, and then no more. */
function refuse(handle: string, wish: 'refuse' | 'unpublished', why: string): void {
  const before = refused.get(`${wish} ${handle}`) ?? 0
  if (before >= wishesOf(handle).get(wish)) return
  refused.set(`${wish} ${handle}`, before + 1)
  throw new Error(why)
}

async function attach(request: Request): Promise<readonly Field[]> {
  const handle = request.get(1) ?? ''
  const wishes = wishesOf(handle)
  await clock.sleep(wishes.get('attach'))
  refuse(handle, 'refuse', `the node has no free slot for volume ${wishes.name}`)
  return NOTHING
}

async function stage(request: Request): Promise<readonly Field[]> {
  const wishes = wishesOf(request.get(1) ?? '')
  const directory = join(data, wishes.name)
  mkdirSync(directory, { recursive: true })
  const files = join(directory, 'files')
  if (wishes.get('files') > 0) mkdirSync(files, { recursive: true })
  for (let index = 0; index < wishes.get('files'); index++) writeFileSync(join(files, String(index)), '')
  await clock.sleep(wishes.get('stage'))
  return NOTHING
}

/** Copies of the files are bound beside each other: many files for whoever walks through them, few on the disk. */
async function publish(request: Request): Promise<readonly Field[]> {
  const handle = request.get(1) ?? ''
  const wishes = wishesOf(handle)
  const target = request.get(4) ?? ''
  await clock.sleep(wishes.get('publish'))
  refuse(handle, 'unpublished', `volume ${wishes.name} is not there yet`)
  if (texts(Buffer.from(request.get(5) ?? '')).has(BLOCK)) return publishDevice(wishes.name, target)
  mkdirSync(target, { recursive: true })
  execFileSync('mount', ['--bind', join(data, wishes.name), target])
  for (let copy = 0; copy < wishes.get('copies'); copy++) {
    const place = join(target, `copy-${copy}`)
    mkdirSync(place, { recursive: true })
    execFileSync('mount', ['--bind', join(data, wishes.name, 'files'), place])
  }
  return NOTHING
}

/** The field of a volume's capability that is there for a device; for a file system it is another. */
const BLOCK = 1
const DEVICE_BYTES = 1 << 20

/** The kubelet takes whatever stands at the path it names, and the runtime nothing but a device. */
function publishDevice(name: string, target: string): readonly Field[] {
  const file = join(data, `${name}.disk`)
  writeFileSync(file, '')
  truncateSync(file, DEVICE_BYTES)
  const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim()
  mkdirSync(join(target, '..'), { recursive: true })
  writeFileSync(target, '')
  execFileSync('mount', ['--bind', device, target])
  return NOTHING
}

function detachDevices(name: string): void {
  const listed = execFileSync(
    'losetup',
    ['--associated', join(data, `${name}.disk`), '--noheadings', '--output', 'NAME'],
    {
      encoding: 'utf8',
    },
  )
  for (const device of listed.split('\n').filter((line) => line !== ''))
    execFileSync('losetup', ['--detach', device.trim()])
}

function unpublish(request: Request): Promise<readonly Field[]> {
  const target = request.get(2) ?? ''
  try {
    execFileSync('umount', ['--recursive', '--lazy', target], { stdio: 'ignore' })
  } catch {
    // Not mounted any more: to be called twice is no error.
  }
  rmSync(target, { recursive: true, force: true })
  detachDevices(wishesOf(request.get(1) ?? '').name)
  return Promise.resolve(NOTHING)
}

const answer =
  (...fields: readonly Field[]): Handler =>
  () =>
    Promise.resolve(fields)

const SERVICES: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  'csi.v1.Identity': {
    GetPluginInfo: answer([1, DRIVER], [2, '1.0.0']),
    GetPluginCapabilities: answer(capability(CONTROLLER_SERVICE)),
    Probe: answer([1, encode([[1, 1]])]),
  },
  'csi.v1.Controller': {
    ControllerGetCapabilities: answer(capability(PUBLISH_UNPUBLISH)),
    ControllerPublishVolume: attach,
    ControllerUnpublishVolume: answer(),
  },
  'csi.v1.Node': {
    NodeGetCapabilities: answer(capability(STAGE_UNSTAGE)),
    NodeGetInfo: answer([1, node]),
    NodeStageVolume: stage,
    NodeUnstageVolume: answer(),
    NodePublishVolume: publish,
    NodeUnpublishVolume: unpublish,
  },
}

const socket = join(kubelet, 'plugins', DRIVER, 'csi.sock')

const REGISTRATION: typeof SERVICES = {
  'pluginregistration.Registration': {
    GetInfo: answer([1, 'CSIPlugin'], [2, DRIVER], [3, socket], [4, '1.0.0']),
    NotifyRegistrationStatus: answer(),
  },
}

/** Asked all the time, and about nothing. */
const QUIET = /Get|Probe|Notify/

function handle(name: string, handler: Handler): handleUnaryCall<Buffer, Buffer> {
  return ({ request }, reply) => {
    const began = clock.now()
    const asked = texts(request)
    const done = (error?: string): void => {
      if (QUIET.test(name)) return
      const line = { call: name, volume: asked.get(1), began: `${began}`, ended: `${clock.now()}`, error }
      process.stdout.write(`${JSON.stringify(line)}\n`)
    }
    handler(asked).then(
      (fields) => {
        reply(null, encode(fields))
        done()
      },
      (error: Error) => {
        reply({ code: status.RESOURCE_EXHAUSTED, details: error.message })
        done(error.message)
      },
    )
  }
}

const same = (bytes: Buffer): Buffer => bytes

async function serve(path: string, services: typeof SERVICES): Promise<void> {
  const server = new Server()
  for (const [service, methods] of Object.entries(services)) {
    const definition: Record<string, ServiceDefinition[string]> = {}
    const handlers: Record<string, handleUnaryCall<Buffer, Buffer>> = {}
    for (const [name, handler] of Object.entries(methods)) {
      definition[name] = {
        path: `/${service}/${name}`,
        ...{ requestStream: false, responseStream: false },
        ...{
          requestSerialize: same,
          requestDeserialize: same,
          responseSerialize: same,
          responseDeserialize: same,
        },
      }
      handlers[name] = handle(name, handler)
    }
    server.addService(definition, handlers)
  }
  rmSync(path, { force: true })
  mkdirSync(join(path, '..'), { recursive: true })
  await new Promise<void>((resolve, reject) => {
    const bound = (error: Error | null): void => (error ? reject(error) : resolve())
    server.bindAsync(`unix://${path}`, ServerCredentials.createInsecure(), bound)
  })
}

if (import.meta.main) {
  // The kubelet calls as soon as it finds the registration.
  await serve(socket, SERVICES)
  await serve(join(kubelet, 'plugins_registry', `${DRIVER}-reg.sock`), REGISTRATION)
  process.on('SIGTERM', () => {
    rmSync(join(kubelet, 'plugins_registry', `${DRIVER}-reg.sock`), { force: true })
    process.exit(0)
  })
}
