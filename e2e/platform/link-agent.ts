import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { bundleLinkAgent } from '@kosmos/cluster-link/build'
import { ensurePackagedImage, makeScratch, type Progress } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'

/** As deploy/images/Dockerfile.link-agent has them, and what Node itself needs. */
const packages = [
  'iproute2',
  'nftables',
  'iptables',
  'fping',
  'wireguard-tools',
  'wireguard-go',
  'charon-systemd',
  'libstrongswan-standard-plugins',
  'libcharon-extra-plugins',
  'coreutils',
  'grep',
  'sed',
  'dash',
  'util-linux',
  'libstdc++6',
  'libatomic1',
] as const

/** The image of the agents of ClusterLink, under the name in its manifest. @returns the path of an archive */
export async function linkAgentImage(progress: Progress): Promise<string> {
  progress.step('making the image of the link agent')
  const scratch = makeScratch('kosmos-link-agent-')
  try {
    const program = path.join(scratch.dir, 'link-agent.mjs')
    await bundleLinkAgent(program)
    return await ensurePackagedImage(
      {
        name: await imageName(),
        packages,
        files: [
          { path: '/usr/local/bin/node', source: process.execPath, mode: 0o755 },
          { path: '/kosmos/link-agent.mjs', source: program, mode: 0o644 },
        ],
      },
      progress,
    )
  } finally {
    await scratch.remove()
  }
}

interface DaemonSet {
  readonly kind: string
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } }
  }
}

async function imageName(): Promise<string> {
  const manifest = path.resolve(import.meta.dirname, '../../deploy/link-agent.yaml')
  const documents = loadAll(await readFile(manifest, 'utf8')) as readonly DaemonSet[]
  const daemonSet = documents.find(({ kind }) => kind === 'DaemonSet')
  const image = daemonSet?.spec.template.spec.containers[0]?.image
  if (image === undefined) throw new Error(`${manifest} has no DaemonSet`)
  return image
}
