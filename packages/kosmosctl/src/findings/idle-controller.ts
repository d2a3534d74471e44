import { systemNamespace } from '@kosmos/api'
import { type Client, isForbidden, type Pod, pods } from '@kosmos/kube'
import { type Deployment, deployments } from '../clusters/resources.ts'
import { podSummary } from '../get/pod-status.ts'

/** A controller as install runs it in the root; it may run elsewhere. */
export interface InstalledController {
  readonly deployment: Deployment | undefined
  readonly pods: readonly Pod[]
}

export async function installedController(root: Client, name: string): Promise<InstalledController> {
  const labelSelector = `app.kubernetes.io/name=${name}`
  const [deployment, found] = await Promise.all([
    root.get(deployments, { namespace: systemNamespace, name }),
    // They say more than the Deployment; who may not list them is told less.
    root.listAll(pods, { namespace: systemNamespace, labelSelector }).catch((error) => {
      if (isForbidden(error)) return []
      throw error
    }),
  ])
  return { deployment, pods: found }
}

/** Why a controller is not at work, as far as its Deployment and its pods tell, and what to do. Pure. */
export function idleController({ deployment, pods }: InstalledController): {
  readonly what: string
  readonly fix: string
} {
  if (deployment === undefined) return { what: 'none is installed', fix: 'kosmosctl install' }
  const { name } = deployment.metadata
  const [inNamespace, wanted] = [`-n ${systemNamespace}`, deployment.spec.replicas ?? 1]
  if (wanted === 0) {
    return {
      what: `its Deployment ${name} is scaled to 0`,
      fix: `kubectl scale ${inNamespace} deployment/${name} --replicas=2`,
    }
  }
  const what = `${deployment.status?.readyReplicas ?? 0} of ${wanted} replicas are ready`
  const [pod] = pods.filter(isStuck)
  const describe = `kubectl describe ${inNamespace} pods -l app.kubernetes.io/name=${name}`
  if (pod === undefined) {
    return {
      what,
      fix:
        pods.length > 0
          ? `kubectl logs ${inNamespace} deployment/${name}`
          : `kubectl describe ${inNamespace} deployment/${name}`,
    }
  }
  const { status } = podSummary(pod)
  const why = reasonOf(pod)
  return {
    what: `${what}; ${pod.metadata.name} is ${status}${why === undefined ? '' : `: ${why}`}`,
    fix: hasRun(pod) ? `kubectl logs ${inNamespace} ${pod.metadata.name} --previous` : describe,
  }
}

const containersOf = ({ status }: Pod) => status?.containerStatuses ?? []

/** Whether its container does not run now: it never began, or ends again and again. */
const isStuck = (pod: Pod): boolean => !containersOf(pod).some(({ state }) => state?.running)

const hasRun = (pod: Pod): boolean => containersOf(pod).some(({ lastState }) => lastState?.terminated)

function reasonOf(pod: Pod): string | undefined {
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  const [waiting] = containersOf(pod).flatMap(({ state }) => state?.waiting ?? [])
  return (unscheduled?.message ?? waiting?.message)?.replaceAll(/\s*\n\s*/g, '; ')
}
