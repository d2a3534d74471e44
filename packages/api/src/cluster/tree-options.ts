import Type, { type Static } from 'typebox'
import { mapOf, ruleFor, struct } from '../schema/build.ts'
import { amountPattern, httpsOriginPattern, labelKeysRule, optionalDnsSubdomainPattern } from '../schema/patterns.ts'
import { labelSelector, labels, taint } from '../schema/selectors.ts'

/** With room for `kosmos-` and a number of three digits. */
const groupNameMaxLength = 63 - 'kosmos-'.length - '-999'.length

interface NodeSelector {
  nodeName?: string
  labelSelector?: object
}

const nodeSelector = struct(
  {
    nodeName: Type.Optional(
      Type.String({
        description: 'One leaf node by its name: the node model.',
        maxLength: 253,
        pattern: optionalDnsSubdomainPattern,
      }),
    ),
    labelSelector: Type.Optional(labelSelector('Leaf nodes by their labels: the group model.')),
  },
  {
    description: 'The leaf nodes that the virtual node stands for. Without it, all of them: the cluster model.',
    rules: [
      ruleFor<NodeSelector>({
        cel: "!has(self.nodeName) || self.nodeName == '' || !has(self.labelSelector)",
        message: 'select leaf nodes by nodeName or by labelSelector, not by both',
        check: ({ nodeName, labelSelector }) => !nodeName || labelSelector === undefined,
      }),
    ],
  },
)

const leafModel = struct(
  {
    leafNodeName: Type.Optional(
      Type.String({
        description:
          'The virtual node of a group is named kosmos-<leafNodeName>-0, a second group of that name ends in -1, and so on. Default: the name of the Cluster.',
        maxLength: 63,
        pattern: optionalDnsSubdomainPattern,
      }),
    ),
    labels: Type.Optional(labels('Labels of the virtual node.')),
    taints: Type.Optional(Type.Array(taint, { description: 'Taints of the virtual node.', maxItems: 64 })),
    nodeSelector: Type.Optional(nodeSelector),
  },
  {
    description: 'One virtual node and the leaf nodes it stands for.',
    rules: [
      ruleFor<{ leafNodeName?: string; nodeSelector?: NodeSelector }>({
        cel: `!has(self.leafNodeName) || size(self.leafNodeName) <= ${groupNameMaxLength} || !has(self.nodeSelector) || !has(self.nodeSelector.labelSelector)`,
        message: `leafNodeName must have at most ${groupNameMaxLength} characters, because the virtual node is named kosmos-<leafNodeName>-<number> and node names end at 63 characters`,
        check: ({ leafNodeName = '', nodeSelector }) =>
          leafNodeName.length <= groupNameMaxLength || nodeSelector?.labelSelector === undefined,
      }),
    ],
  },
)

export type LeafModel = Static<typeof leafModel>

/** What a leaf model stands for: the whole leaf, one of its nodes, or a group of them. */
export function leafModelKind(model: LeafModel): 'cluster' | 'node' | 'group' {
  if (model.nodeSelector?.labelSelector !== undefined) return 'group'
  return model.nodeSelector?.nodeName ? 'node' : 'cluster'
}

export const clusterTreeOptions = struct(
  {
    enable: Type.Boolean({
      description: 'Whether the cluster appears in the root as virtual nodes.',
      default: true,
    }),
    onLeafLoss: Type.Enum(['Evict', 'Hold', 'Failover'], {
      description:
        'What becomes of pods while the leaf cannot be reached. Evict: what Kubernetes does with pods of a node that is gone, after the tolerationSeconds of each. Hold: they stay, however long it takes. Failover: after failoverAfterSeconds their nodes are declared out of service, so that they are replaced elsewhere at once, also those of StatefulSets; what they have left in the leaf is removed before it takes pods again.',
      default: 'Evict',
    }),
    failoverAfterSeconds: Type.Integer({
      description:
        'For Failover: how long a virtual node has to be unreachable, counted from when the root calls it that.',
      default: 300,
      minimum: 0,
      maximum: 86_400,
    }),
    leafDisruption: Type.Enum(['Fail', 'Recreate'], {
      description:
        'What becomes of a pod that the leaf evicts, preempts, drains, or deletes although nobody deleted it in the root. Fail: the pod is Failed with condition DisruptionTarget, so that its owner makes another. Recreate: it is made again in the leaf and counts a restart; pods with restartPolicy Never fail all the same.',
      default: 'Fail',
    }),
    nodeTaint: Type.Enum(['NoSchedule', 'PreferNoSchedule', 'None'], {
      description:
        'The effect of the taint kosmos.io/node on the virtual nodes. NoSchedule: only pods that tolerate it come. PreferNoSchedule: others come when no ordinary node has room. None: no taint, every pod may come, also those of DaemonSets.',
      default: 'NoSchedule',
    }),
    rootAPIServer: Type.Optional(
      Type.String({
        description:
          "Where pods in the leaf reach the root's API server, such as https://root.example.org:6443. Its certificate must be valid for that host and be issued by the authority in the root's ConfigMaps kube-root-ca.crt. Pods created from then on get tokens of their root service accounts; without it they get none.",
        maxLength: 300,
        pattern: httpsOriginPattern,
      }),
    ),
    leafAPIAccess: Type.Enum(['Denied', 'Allowed'], {
      description:
        'Whether pods may ask, by the annotation kosmos.io/api-server: leaf, to run as a service account of the leaf instead and talk to its API server. Allowed: whoever creates pods in a namespace of the root can then use every service account that the leaf has in that namespace.',
      default: 'Denied',
    }),
    priorityClasses: Type.Optional(
      mapOf(
        Type.String({
          description: "The name in the leaf; empty: the leaf's default priority.",
          maxLength: 253,
          pattern: optionalDnsSubdomainPattern,
        }),
        {
          description:
            'What PriorityClasses of the root are called in the leaf: the name in the root, then the name in the leaf, which may be the same. The class of the leaf says how high the priority is there. A pod of a class that is not named here has the default priority of the leaf. It counts for pods that are created from then on.',
          maxProperties: 64,
        },
      ),
    ),
    storageClasses: Type.Optional(
      mapOf(
        Type.String({
          description: 'The name in the leaf; empty: the default class of the leaf.',
          maxLength: 253,
          pattern: optionalDnsSubdomainPattern,
        }),
        {
          description:
            'How StorageClasses of the root are called in the leaf, where they are called otherwise: the name in the root, then the name in the leaf. It counts for every claim that has no volume in the leaf yet.',
          maxProperties: 64,
        },
      ),
    ),
    volumeAttributesClasses: Type.Optional(
      mapOf(
        Type.String({
          description: 'The name in the leaf; empty: none, the volume is as its StorageClass makes it.',
          maxLength: 253,
          pattern: optionalDnsSubdomainPattern,
        }),
        {
          description:
            'How VolumeAttributesClasses of the root are called in the leaf, where they are called otherwise: the name in the root, then the name in the leaf. A change counts for the claims that the leaf has as well.',
          maxProperties: 64,
        },
      ),
    ),
    sharedStorageClasses: Type.Optional(
      Type.Array(
        Type.String({
          description: 'The name of a class of the root.',
          minLength: 1,
          maxLength: 253,
          pattern: optionalDnsSubdomainPattern,
        }),
        {
          description:
            'StorageClasses of the root whose volumes this leaf can mount as well: storage that is made in the root and reached from both, such as NFS. A pod that comes to the leaf with a claim of such a class gets the same volume there; it is never deleted in the leaf. Pods with volumes of other drivers of the root are kept off the virtual nodes.',
          maxItems: 64,
        },
      ),
    ),
    reserved: Type.Optional(
      mapOf(Type.String({ description: 'How much of it.', maxLength: 32, pattern: amountPattern }), {
        description:
          'What each leaf node keeps back for its own cluster, beyond what runs there already: resources (cpu, memory, pods, …) and quantities. The virtual nodes offer that much less.',
        maxProperties: 32,
        rules: [labelKeysRule],
      }),
    ),
    placementPriority: Type.Optional(
      Type.Integer({
        description:
          "Which clusters the scheduler of Kosmos fills first, where it has the choice: those of the higher priority, cheap ones for example. The root's own nodes have 0 and come first among equals, so that clusters take what they have no room for; a cluster above 0 comes before them. Default: 0.",
        format: 'int32',
        minimum: -1000,
        maximum: 1000,
      }),
    ),
    leafModels: Type.Optional(
      Type.Array(leafModel, {
        description: 'The virtual nodes of the cluster. Without any, one virtual node stands for the whole cluster.',
        maxItems: 1000,
        rules: [
          ruleFor<LeafModel[]>({
            cel: "size(self) <= 1 || self.all(model, has(model.nodeSelector) && (has(model.nodeSelector.labelSelector) || (has(model.nodeSelector.nodeName) && model.nodeSelector.nodeName != '')))",
            message: 'a leaf model without nodeSelector stands for the whole cluster and must be the only one',
            check: (self) => self.length <= 1 || self.every((model) => leafModelKind(model) !== 'cluster'),
          }),
        ],
      }),
    ),
  },
  {
    description:
      'ClusterTree: whether and how the cluster appears in the root as virtual nodes. Without it, it does not.',
  },
)

export type ClusterTreeOptions = Static<typeof clusterTreeOptions>
