import type { Pod } from '@kosmos/kube'
import type { Manifest } from '../../clusters/resources.ts'
import { linkNamespace } from '../facts.ts'
import { answering, asking, port } from './program.ts'

/** Label of everything that a check makes; the value is the run. */
export const checkLabel = 'kosmos.io/link-check'

/** Should nobody be left to delete them, their processes end by themselves. */
const lifeSeconds = 600

/** What the agents' pods say of their image. */
export type Image = Pick<NonNullable<Pod['spec']>, 'imagePullSecrets'> & { readonly image: string }

interface Where {
  readonly run: string
  readonly node: string
  readonly image: Image
}

/** A pod on a node that answers. Pure. */
export function responder(name: string, where: Where): Manifest {
  return pod(name, where, 'responder', { args: ['-e', answering], restartPolicy: 'OnFailure' })
}

/** A pod on a node, or in its network, that asks. Pure. */
export function caller(name: string, where: Where, targets: readonly object[], hostNetwork: boolean): Manifest {
  const env = [{ name: 'TARGETS', value: JSON.stringify(targets) }]
  return pod(name, where, 'caller', { args: ['-e', asking], env, hostNetwork, restartPolicy: 'Never' })
}

/** The Service of the pods that answer. Pure. */
export function checkService(name: string, run: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: linkNamespace, labels: { [checkLabel]: run } },
    spec: {
      ipFamilyPolicy: 'PreferDualStack',
      selector: { [checkLabel]: run, role: 'responder' },
      ports: [{ name: 'http', port: 80, targetPort: port }],
    },
  }
}

interface Program {
  readonly args: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
  readonly hostNetwork?: boolean
  readonly restartPolicy: 'Never' | 'OnFailure'
}

function pod(name: string, { run, node, image }: Where, role: string, program: Program): Manifest {
  const { args, env = [], hostNetwork = false, restartPolicy } = program
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: linkNamespace, labels: { [checkLabel]: run, role } },
    spec: {
      nodeName: node,
      hostNetwork,
      restartPolicy,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      activeDeadlineSeconds: lifeSeconds,
      terminationGracePeriodSeconds: 1,
      tolerations: [{ operator: 'Exists' }],
      ...(image.imagePullSecrets && { imagePullSecrets: image.imagePullSecrets }),
      containers: [
        {
          name: 'check',
          image: image.image,
          command: ['node', ...args],
          env,
          resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '256Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            runAsUser: 0,
            // For large echo requests.
            capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
          },
        },
      ],
    },
  }
}
