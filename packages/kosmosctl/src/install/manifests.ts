import { withImage } from '../clusters/images.ts'
import type { Deployment, Manifest } from '../clusters/resources.ts'
import { definitions } from './definitions.ts'
import { deployedManifests } from './deploy-folder.ts'

export interface InstallValues {
  /** Image of the controllers; undefined: that of the manifests. */
  readonly image?: string | undefined
  readonly replicas?: number | undefined
  /** Only the kinds of kosmos.io. */
  readonly crdsOnly?: boolean | undefined
}

/** Label of everything that install creates. */
export const partOf = { label: 'app.kubernetes.io/part-of', value: 'kosmos' } as const

/** Everything that runs Kosmos in the root, in the order in which it is applied. */
export async function installManifests(values: InstallValues = {}): Promise<Manifest[]> {
  if (values.crdsOnly) return definitions()
  const components = [
    ...(await deployedManifests('clustertree.yaml')),
    ...(await deployedManifests('scheduler.yaml')),
    ...(await deployedManifests('clusterlink.yaml')),
  ]
  const isNamespace = ({ kind }: Manifest) => kind === 'Namespace'
  return [
    ...definitions(),
    ...components.filter(isNamespace),
    ...(await deployedManifests('rbac/clustertree.yaml')),
    ...(await deployedManifests('rbac/clustertree-tokens.yaml')),
    ...(await deployedManifests('rbac/scheduler.yaml')),
    ...(await deployedManifests('rbac/clusterlink.yaml')),
    ...(await deployedManifests('rbac/metrics-reader.yaml')),
    ...components
      .filter((manifest) => !isNamespace(manifest))
      .map((manifest) => (manifest.kind === 'Deployment' ? withValues(manifest, values) : manifest)),
    // Last: a pod is only gated when somebody opens gates. Which of them a root needs is not known here.
    ...(await deployedManifests('admission.yaml')),
    ...(await deployedManifests('webhook.yaml')),
  ]
}

function withValues(manifest: Manifest, { image, replicas }: InstallValues): Manifest {
  const { spec, ...rest } = (image === undefined ? manifest : withImage(manifest, image)) as unknown as Deployment
  return { ...rest, spec: { ...spec, ...(replicas !== undefined && { replicas }) } }
}
