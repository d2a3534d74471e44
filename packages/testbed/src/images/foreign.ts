import { thisPlatform } from '../binaries/cache.ts'
import { ensurePrograms } from '../binaries/debian.ts'
import { ensureBinaries } from '../binaries/ensure.ts'
import { type Progress, silent } from '../progress.ts'
import type { Image, ImageEntry } from './archive.ts'
import { appletsOf, ensureArchive, imagesDir } from './build.ts'
import { searchPath, userland } from './catalog.ts'
import { postgresql } from './postgresql.ts'

/** Software of others that runs on Kosmos as on any cluster, by the names in its own manifests. */
export const foreignImageNames = {
  'cloudnative-pg': 'ghcr.io/cloudnative-pg/cloudnative-pg:1.28.0',
  'prometheus-operator': 'quay.io/prometheus-operator/prometheus-operator:v0.85.0',
  'prometheus-config-reloader': 'quay.io/prometheus-operator/prometheus-config-reloader:v0.85.0',
  prometheus: 'quay.io/prometheus/prometheus:v3.16.0',
  skipper: 'registry.opensource.zalan.do/teapot/skipper:v0.22.0',
  'cert-manager-controller': 'quay.io/jetstack/cert-manager-controller:v1.11.5',
  'cert-manager-webhook': 'quay.io/jetstack/cert-manager-webhook:v1.11.5',
  'cert-manager-cainjector': 'quay.io/jetstack/cert-manager-cainjector:v1.11.5',
} as const

/** And PostgreSQL, whose name depends on the Debian that it is from. */
export type ForeignImage = keyof typeof foreignImageNames | 'postgresql'

/** Makes sure that an archive of each lies in the cache; builds what is in it. @returns their paths */
export async function ensureForeignImages(
  names: readonly ForeignImage[],
  progress: Progress = silent,
): Promise<string[]> {
  const { busybox } = await ensurePrograms(['busybox'], progress)
  const base = userland({ busybox, applets: await appletsOf(busybox) })
  const archives: string[] = []
  for (const name of names) {
    const image = name === 'postgresql' ? await postgresql(base, progress) : await program(name, base, progress)
    archives.push(await ensureArchive(name, image, imagesDir()))
  }
  return archives
}

/** As the Dockerfiles of the projects have it: path of the program, and the user. */
const programs: Readonly<Record<keyof typeof foreignImageNames, { file: string; user: string }>> = {
  'cloudnative-pg': { file: `/operator/manager_${thisPlatform.arch}`, user: '65532:65532' },
  'prometheus-operator': { file: '/bin/operator', user: '65534' },
  'prometheus-config-reloader': { file: '/bin/prometheus-config-reloader', user: '65534' },
  prometheus: { file: '/bin/prometheus', user: '65534' },
  skipper: { file: '/usr/bin/skipper', user: '1000' },
  'cert-manager-controller': { file: '/app/cmd/controller/controller', user: '1000' },
  'cert-manager-webhook': { file: '/app/cmd/webhook/webhook', user: '1000' },
  'cert-manager-cainjector': { file: '/app/cmd/cainjector/cainjector', user: '1000' },
}

async function program(name: keyof typeof programs, base: ImageEntry[], progress: Progress): Promise<Image> {
  const { [name]: source } = await ensureBinaries([name], progress)
  const { file, user } = programs[name]
  const link: ImageEntry[] = name === 'cloudnative-pg' ? [{ path: '/manager', linkTo: file.slice(1) }] : []
  return {
    names: [foreignImageNames[name]],
    config: { User: user, Env: [searchPath], Entrypoint: name === 'skipper' ? [] : [file], WorkingDir: '/' },
    layers: [base, [{ path: file, source, mode: 0o755 }, ...link]],
  }
}
