import type { Pod } from '@kosmos/kube'
import type { Manifest } from '../../clusters/resources.ts'
import { linkNamespace } from '../network/facts.ts'
import { answering, asking, counting, port, pouring } from './program.ts'

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

/** A pod on a node that sends as much as goes. Pure. */
export function pourer(name: string, where: Where, targets: readonly object[]): Manifest {
  const env = [{ name: 'TARGETS', value: JSON.stringify(targets) }]
  return pod(name, where, 'pourer', { args: ['-e', pouring], env, restartPolicy: 'Never', user: nobody })
}

/** A pod in the network of a node that reads twice what the agent there has counted, and has the right to that only. Pure. */
export function counter(
  name: string,
  where: Where,
  { port, seconds }: { readonly port: number; readonly seconds: number },
): Manifest {
  const env = [
    { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
    { name: 'PORT', value: `${port}` },
    { name: 'SECONDS', value: `${seconds}` },
    { name: 'TOKEN_FILE', value: `${tokens.mount.mountPath}/token` },
  ]
  return pod(name, where, 'counter', {
    args: ['-e', counting],
    env,
    hostNetwork: true,
    restartPolicy: 'Never',
    user: nobody,
    account: 'kosmos-link-counter',
  })
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

/** Who needs no rights is not root. */
const nobody = 65_534

interface Program {
  readonly args: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[]
  readonly hostNetwork?: boolean
  readonly restartPolicy: 'Never' | 'OnFailure'
  /** Default: root, for echo requests. */
  readonly user?: number
  /** Whose token it has. Default: nobody's. */
  readonly account?: string
}

/** For the shortest time there is; it ends with the pod. */
const tokens = {
  volume: {
    name: 'token',
    projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 600 } }] },
  },
  mount: { name: 'token', mountPath: '/var/run/secrets/kosmos', readOnly: true },
}

function pod(name: string, { run, node, image }: Where, role: string, program: Program): Manifest {
  const { args, env = [], hostNetwork = false, restartPolicy, user = 0, account } = program
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: linkNamespace, labels: { [checkLabel]: run, role } },
    spec: {
      nodeName: node,
      hostNetwork,
      restartPolicy,
      automountServiceAccountToken: false,
      ...(account && { serviceAccountName: account, volumes: [tokens.volume] }),
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
          ...(account && { volumeMounts: [tokens.mount] }),
          resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '256Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            runAsUser: user,
            // For large echo requests.
            capabilities: { drop: ['ALL'], ...(user === 0 && { add: ['NET_RAW'] }) },
          },
        },
      ],
    },
  }
}
