import { type KubeObject, resource } from '@kosmos/kube'

export interface WebhookConfiguration extends KubeObject {
  readonly metadata: { readonly name: string }
  readonly webhooks?: readonly {
    readonly rules?: readonly {
      readonly apiGroups?: readonly string[]
      readonly operations?: readonly string[]
      readonly resources?: readonly string[]
    }[]
  }[]
}

export const webhookConfigurations = (['Mutating', 'Validating'] as const).map((when) =>
  resource<WebhookConfiguration>(
    'admissionregistration.k8s.io/v1',
    `${when}WebhookConfiguration`,
    `${when.toLowerCase()}webhookconfigurations`,
    'Cluster',
  ),
)

/** Of Kosmos, in a root without MutatingAdmissionPolicies. */
const OWN = 'kosmos-placement'

/** Those of others that may be asked about a new pod, whatever their selectors say. Pure. */
export function askedAboutPods(configurations: readonly WebhookConfiguration[]): string[] {
  const has = (list: readonly string[] | undefined, ...values: string[]) => list?.some((one) => values.includes(one))
  return configurations
    .filter(({ metadata, webhooks = [] }) => {
      const rules = webhooks.flatMap(({ rules = [] }) => rules)
      return (
        metadata.name !== OWN &&
        rules.some(
          ({ apiGroups, operations, resources }) =>
            has(apiGroups, '', '*') && has(operations, 'CREATE', '*') && has(resources, 'pods', '*', '*/*', 'pods/*'),
        )
      )
    })
    .map(({ metadata }) => metadata.name)
}
