import { bestFit, originalSchedulerName, placementLabel, systemNamespace, virtualNodesLabel } from '@kosmos/api'
import type { StoredDistribution } from '../distributions/compiled-distribution.ts'
import type { StoredPolicy } from '../policies/compiled-policy.ts'
import { exempt } from '../policies/exempt.ts'
import type { Question } from './admit.ts'
import { isMeant, isSelected, mayWait } from './expressions.ts'

export interface ConfigurationView {
  readonly policies: Iterable<StoredPolicy>
  readonly distributions: Iterable<StoredDistribution>
  /** PEM: the certificates that we may show. */
  readonly caBundle: string
  /** Where an API server reaches us, if not by the Service. */
  readonly url: string | undefined
}

export const serviceName = 'scheduler-webhook'
/** Below it is what is asked for. */
export const basePath = '/pods'
export const pathOf = (question: Question): string => `${basePath}/${question}`

/** Labels by which namespaces are known by name; every API server sets it. */
const NAME = 'kubernetes.io/metadata.name'
const domain = 'placement.kosmos.io'

/**
 * The webhooks of a root without MutatingAdmissionPolicies. The API server asks us for those pods only that a policy may mean, and refuses
 * them while we do not answer; of all others it decides by itself that they are none of our business. Our own are never asked about.
 * What it asks for is in the path, so that no replica has to know a policy to answer. Pure.
 */
export function webhooksOf({ policies, distributions, caBundle, url }: ConfigurationView): object[] {
  const common = {
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' }],
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    objectSelector: {},
    // What runs later may add labels that a policy selects by.
    reinvocationPolicy: 'IfNeeded',
    sideEffects: 'None',
    timeoutSeconds: 5,
    admissionReviewVersions: ['v1'],
  }
  const webhook = (
    name: string,
    question: Question,
    namespaceSelector: object,
    conditions: Readonly<Record<string, string>>,
  ) => ({
    ...common,
    name: `${name}.${domain}`,
    clientConfig: {
      caBundle: Buffer.from(caBundle).toString('base64'),
      ...(url
        ? { url: `${url}/${question}` }
        : { service: { namespace: systemNamespace, name: serviceName, path: pathOf(question), port: 443 } }),
    },
    namespaceSelector,
    matchConditions: Object.entries(conditions).map(([name, expression]) => ({ name, expression })),
  })
  const not = (values: readonly string[]) => ({ matchExpressions: [{ key: NAME, operator: 'NotIn', values }] })
  const inTheRoot: StoredDistribution[] = []
  const namespaces = new Map<string, { policies: StoredPolicy[]; distributions: StoredDistribution[] }>()
  const of = (namespace: string) => {
    const found = namespaces.get(namespace) ?? { policies: [], distributions: [] }
    if (namespace !== systemNamespace) namespaces.set(namespace, found)
    return found
  }
  for (const one of policies) of(one.metadata.namespace).policies.push(one)
  for (const one of distributions) {
    if (one.kind === 'ClusterDistributionPolicy') inTheRoot.push(one)
    else of(one.metadata.namespace).distributions.push(one)
  }
  return [
    ...[...namespaces].sort(byName).map(([namespace, found]) =>
      webhook(
        `${namespace}.namespaces`,
        'wait',
        { matchLabels: { [NAME]: namespace } },
        {
          'may-wait': mayWait,
          'is-meant': [
            ...(found.policies.length > 0 ? [isSelected([...found.policies].sort(byKey))] : []),
            ...(found.distributions.length > 0 ? [isMeant(selectorsOf(found.distributions))] : []),
          ].join('\n|| '),
        },
      ),
    ),
    ...(inTheRoot.length > 0
      ? [webhook('cluster', 'wait', not(exempt), { 'may-wait': mayWait, 'is-meant': isMeant(selectorsOf(inTheRoot)) })]
      : []),
    webhook(
      'best-fit',
      'wait',
      { matchLabels: { [placementLabel]: bestFit }, ...not(exempt) },
      { 'may-wait': mayWait },
    ),
    webhook(
      'virtual-nodes',
      'tolerate-virtual-nodes',
      { matchLabels: { [virtualNodesLabel]: 'tolerated' }, ...not([systemNamespace]) },
      {
        'does-not-tolerate-them-yet': `!object.spec.?tolerations.orValue([]).exists(toleration,
  toleration.?key.orValue('') == 'kosmos.io/node' && toleration.?operator.orValue('') == 'Exists' && !has(toleration.effect))`,
        'is-of-no-daemon-set': `!has(object.metadata.ownerReferences) ||
  !object.metadata.ownerReferences.exists(owner, owner.kind == 'DaemonSet' && owner.?controller.orValue(false))`,
      },
    ),
    webhook('scheduler-name', 'stock-scheduler', not([systemNamespace]), {
      'names-the-original': `object.spec.?schedulerName.orValue('') == '${originalSchedulerName}'`,
    }),
  ]
}

const selectorsOf = (distributions: readonly StoredDistribution[]) =>
  [...distributions].sort(byKey).flatMap(({ spec }) => spec.resourceSelectors)

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)

/** The same policies make the same conditions, in whichever order they are told. */
const byKey = (a: { metadata: { name: string } }, b: { metadata: { name: string } }): number =>
  a.metadata.name < b.metadata.name ? -1 : 1
