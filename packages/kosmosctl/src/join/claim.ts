import { type Client, describeObject, type Secret, secrets } from '@kosmos/kube'
import { leafIdAnnotation, managedBy, managedByLabel } from '../clusters/names.ts'
import { applyTo, ensureNamespace } from '../clusters/own.ts'
import { clusters } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'
import { claimSecret, credentialsSecret, rootNamespace } from './root-manifests.ts'

/** A name that is this leaf's: the Secret in the root that will have its credentials. */
export interface Claim {
  readonly secret: Secret
  /** Whether it was made by this join. */
  readonly isNew: boolean
}

const attempts = 5

/**
 * Claims a name in the root for a leaf, before anything is made for it in either: of two leaves that are joined under one name at
 * once, one gets it, and the other fails here. A Secret of that name which somebody else made stays as it is.
 * @throws Failure if another leaf has the name
 */
export async function claimName(root: Client, name: string, leafId: string): Promise<Claim> {
  await ensureNamespace(root, rootNamespace())
  const wanted = claimSecret(name, leafId)
  const ref = { name: wanted.metadata?.name ?? '', namespace: wanted.metadata?.namespace ?? '' }
  for (let attempt = 0; attempt < attempts; attempt++) {
    const outcome = await root.create(secrets, wanted)
    if (outcome.ok) return { secret: outcome.object as Secret, isNew: true }
    if (outcome.reason !== 'AlreadyExists') {
      throw new Failure(`root: ${describeObject(wanted)} was not created: ${outcome.status.message}`, {
        next: 'use credentials for the root that may create it',
      })
    }
    const existing = await root.get(secrets, ref)
    if (existing === undefined) continue
    const taken = await takenOver(root, existing, name, leafId)
    if (taken) return { secret: taken, isNew: false }
  }
  throw new Failure(`root: ${describeObject(wanted)} comes and goes`, {
    next: 'is it joined or unjoined elsewhere? try again',
  })
}

/** The Secret of an earlier join of the leaf; undefined: it has changed just now. @throws Failure if it is not the leaf's */
async function takenOver(root: Client, secret: Secret, name: string, leafId: string): Promise<Secret | undefined> {
  const { labels, annotations, uid, resourceVersion, namespace } = secret.metadata
  if (labels?.[managedByLabel] !== managedBy) {
    throw new Failure(
      `root: ${describeObject({ ...secret, kind: secrets.kind })} exists and was not made by kosmosctl`,
      {
        next: 'remove or rename it, or choose another name for the cluster; then run join again',
      },
    )
  }
  // Versions before this one wrote the leaf's id on the Cluster only.
  const cluster = annotations?.[leafIdAnnotation] === undefined ? await clusterOf(root, name) : undefined
  const owner = annotations?.[leafIdAnnotation] ?? cluster?.metadata.annotations?.[leafIdAnnotation]
  if (owner !== undefined && owner !== leafId) throw takenByOther(name)
  if (annotations?.[leafIdAnnotation] !== undefined) return secret
  const patch = { metadata: { uid, resourceVersion, annotations: { [leafIdAnnotation]: leafId } } }
  const outcome = await root.patch(secrets, { name: secret.metadata.name, namespace }, patch, { type: 'merge' })
  return outcome.ok ? (outcome.object as Secret) : undefined
}

const clusterOf = (root: Client, name: string) => root.get(clusters, { name })

const takenByOther = (name: string): Failure =>
  new Failure(
    `"${name}" was not joined: another leaf is being joined under that name, or its join was never finished`,
    {
      next: `choose another name; or give that one up: kosmosctl unjoin ${name}, with --force if the leaf cannot be asked`,
    },
  )

/** Writes the credentials where the name was claimed. @throws Failure if the claim was given up meanwhile, by unjoin */
export async function storeCredentials(
  root: Client,
  name: string,
  { secret }: Claim,
  kubeconfig: string,
): Promise<void> {
  const manifest = credentialsSecret(name, kubeconfig)
  await applyTo(root, { ...manifest, metadata: { ...manifest.metadata, uid: secret.metadata.uid } })
}

/** Gives the name back that a join which failed has claimed; what it says of the failure is not this. */
export async function releaseName(root: Client, { secret, isNew }: Claim): Promise<void> {
  if (!isNew) return
  const { name, namespace, uid, resourceVersion } = secret.metadata
  // Of the very version: one that has credentials by now has been stored.
  await root.delete(secrets, { name, namespace }, { uid, resourceVersion }).catch(() => {})
}
