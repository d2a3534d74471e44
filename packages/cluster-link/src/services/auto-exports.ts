import { autoCreateMcsAnnotation, managedByLabel } from '@kosmos/api'
import { type Client, Informer, type KubeObject, type ObjectKey, type Service, services } from '@kosmos/kube'
import { type ServiceExport, serviceExports } from './resources.ts'
import { MANAGER } from './slices.ts'
import { create, remove } from './write.ts'

/** Whether a ServiceExport was made for the annotation of its Service, and goes with it. */
export const isAutomatic = ({ metadata }: KubeObject): boolean => metadata?.labels?.[managedByLabel] === MANAGER

/**
 * The annotation by which the original Kosmos is told to share a Service of the root: we make the ServiceExport that a
 * user would. One that somebody has made is his.
 */
export class AutoExports {
  readonly #client: Client
  readonly #services: Informer<Service>

  constructor(client: Client, changed: (key: ObjectKey) => void) {
    this.#client = client
    // Annotations cannot be selected by: of the others nothing but their names is kept.
    this.#services = new Informer({ client, resource: services, metadataOnly: true, transform: slim })
    this.#services.subscribe((change) => {
      const was = change.type === 'updated' && isAsked(change.old)
      if (was || isAsked(change.object)) changed(change.key)
    })
  }

  get synced(): Promise<void> {
    return this.#services.synced
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#services.run(signal)
  }

  /** @param isLinked whether the root takes part; what we made goes when it does no longer */
  async reconcile(key: ObjectKey, present: ServiceExport | undefined, isLinked: boolean): Promise<void> {
    const service = this.#services.get(key)
    if (isLinked && service && isAsked(service)) {
      if (present === undefined) await this.#make(service)
    } else if (present && isAutomatic(present)) await remove(this.#client, serviceExports, present)
  }

  async #make({ metadata: { name, namespace = '', uid } }: Service): Promise<void> {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Service', name, uid }]
    const metadata = { name, namespace, labels: { [managedByLabel]: MANAGER }, ownerReferences }
    await create(this.#client, serviceExports, { metadata }, isAutomatic)
  }
}

/** Any value, as in the original. */
const isAsked = ({ metadata }: KubeObject): boolean => metadata?.annotations?.[autoCreateMcsAnnotation] !== undefined

function slim({ metadata: { name, namespace, uid, resourceVersion, annotations = {} } }: Service): Service {
  const { [autoCreateMcsAnnotation]: asked } = annotations
  const own = { name, ...(namespace && { namespace }), uid, resourceVersion }
  return { metadata: { ...own, ...(asked !== undefined && { annotations: { [autoCreateMcsAnnotation]: asked } }) } }
}
