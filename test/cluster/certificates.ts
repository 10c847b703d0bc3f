// Owns the cluster's keys, certificates, tokens and kubeconfig files.
// Promises a new certificate authority and new random tokens for every cluster.
// Does not rotate anything: a cluster lives for hours.

import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './commands.ts'
import { type Layout, nodeAddress, nodeName, ports } from './layout.ts'

/** Who may talk to the API server by token: user, groups, and the file name of the kubeconfig. */
const users = [
  { file: 'admin', user: 'admin', groups: 'system:masters' },
  { file: 'controller-manager', user: 'system:kube-controller-manager', groups: '' },
  { file: 'scheduler', user: 'system:kube-scheduler', groups: '' },
  { file: 'proxy', user: 'system:kube-proxy', groups: '' },
  { file: 'kubelet', user: `system:node:${nodeName}`, groups: 'system:nodes' },
] as const

const serverNames = [
  `IP:${nodeAddress}`,
  'IP:127.0.0.1',
  'IP:10.96.0.1',
  'DNS:localhost',
  'DNS:kubernetes',
  'DNS:kubernetes.default',
  'DNS:kubernetes.default.svc',
  'DNS:kubernetes.default.svc.cluster.local',
]

export const apiServerUrl = `https://${nodeAddress}:${ports.apiServer}`

/**
 * Without a file of our own, openssl adds the extensions that this machine's openssl.cnf asks for. A common name may be longer than the 64
 * characters that it allows: Kubernetes does not mind, and a cloud's names of nodes are long.
 */
const opensslConfig = `openssl_conf = all
[all]
stbl_section = strings
[strings]
commonName = min:1,max:128
[req]
distinguished_name = name
[name]
`

/** Writes ca.crt, apiserver.{crt,key}, kubelet-client.{crt,key}, service-account.{key,pub}, tokens.csv and the kubeconfigs. */
export async function writeCredentials(layout: Layout): Promise<void> {
  await mkdir(layout.certificates, { recursive: true, mode: 0o700 })
  await mkdir(layout.kubeconfigs, { recursive: true, mode: 0o700 })
  await writeFile(join(layout.certificates, 'openssl.cnf'), opensslConfig)
  await certificate(layout, { file: 'ca', subject: '/CN=podspan-test-cluster', extensions: authority })
  await Promise.all([
    certificate(layout, {
      file: 'apiserver',
      subject: '/CN=kube-apiserver',
      extensions: ['extendedKeyUsage=serverAuth', `subjectAltName=${serverNames.join(',')}`],
    }),
    certificate(layout, {
      file: 'kubelet-client',
      subject: '/O=system:masters/CN=kube-apiserver-kubelet-client',
      extensions: ['extendedKeyUsage=clientAuth'],
    }),
    serviceAccountKeys(layout),
    writeTokens(layout),
  ])
}

/** A kubeconfig for whom a certificate of its own names: the tokens are read once, when the API server starts. */
export async function writeClientKubeconfig(
  layout: Layout,
  path: string,
  { file, subject }: { readonly file: string; readonly subject: string },
): Promise<void> {
  await certificate(layout, { file, subject, extensions: ['extendedKeyUsage=clientAuth'] })
  const at = (name: string): string => join(layout.certificates, name)
  await writeKubeconfig(layout, path, {
    'client-certificate': at(`${file}.crt`),
    'client-key': at(`${file}.key`),
  })
}

/** A kubeconfig is JSON here, which is YAML too. */
async function writeKubeconfig(layout: Layout, file: string, user: object): Promise<void> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'podspan',
        cluster: { server: apiServerUrl, 'certificate-authority': join(layout.certificates, 'ca.crt') },
      },
    ],
    users: [{ name: 'user', user }],
    contexts: [{ name: 'podspan', context: { cluster: 'podspan', user: 'user' } }],
    'current-context': 'podspan',
  }
  await writeFile(file, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 })
}

const keyType = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
const authority = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,digitalSignature']

async function certificate(
  layout: Layout,
  request: { file: string; subject: string; extensions: readonly string[] },
): Promise<void> {
  const at = (file: string): string => join(layout.certificates, file)
  const key = at(`${request.file}.key`)
  await run('openssl', ['genpkey', ...keyType, '-out', key])
  const signer = request.file === 'ca' ? [] : ['-CA', at('ca.crt'), '-CAkey', at('ca.key')]
  const extensions = request.extensions.flatMap((extension) => ['-addext', extension])
  const lifetime = ['-days', '365', '-subj', request.subject]
  const files = ['-config', at('openssl.cnf'), '-key', key, '-out', at(`${request.file}.crt`)]
  await run('openssl', ['req', '-x509', ...files, ...signer, ...lifetime, ...extensions])
}

/** The API server finds a public key in an EC or RSA private key file, but not in the PKCS #8 that openssl writes. */
async function serviceAccountKeys(layout: Layout): Promise<void> {
  const key = join(layout.certificates, 'service-account.key')
  await run('openssl', ['genpkey', ...keyType, '-out', key])
  await run('openssl', [
    'pkey',
    '-in',
    key,
    '-pubout',
    '-out',
    join(layout.certificates, 'service-account.pub'),
  ])
}

async function writeTokens(layout: Layout): Promise<void> {
  const lines: string[] = []
  for (const { file, user, groups } of users) {
    const token = randomBytes(24).toString('hex')
    lines.push(`${token},${user},${file},"${groups}"`)
    await writeKubeconfig(layout, join(layout.kubeconfigs, file), { token })
    if (file === 'admin') await writeKubeconfig(layout, layout.kubeconfig, { token })
  }
  await writeFile(join(layout.certificates, 'tokens.csv'), `${lines.join('\n')}\n`, { mode: 0o600 })
}
