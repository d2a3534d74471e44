import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import {
  attachTestbed,
  downTestbed,
  isAlive,
  NoTestbed,
  type Progress,
  type Testbed,
  testbedDir,
  upTestbed,
  withLock,
} from '@kosmos/testbed'
import { upKosmos } from '../platform/kosmos.ts'
import { deployment } from '../platform/manifests.ts'

const run = promisify(execFile)
const NAME = 'kosmos'
const APP = 'hello'
const REPLICAS = 6
/** Two of three pods run in the first leaf; change it live: kubectl edit workloadpolicy hello. */
const shares = {
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'WorkloadPolicy',
  metadata: { namespace: 'default', name: APP },
  spec: {
    workload: { kind: 'Deployment', name: APP },
    topologyKey: 'kosmos.io/cluster',
    allocationPolicy: [
      { name: 'leaf1', weight: 2 },
      { name: 'leaf2', weight: 1 },
    ],
  },
}

/** By the usual issuer a program in a leaf would look for its token's keys in the leaf: docs/how-to/let-pods-reach-the-root.md. */
const issuerInLeaves = (server: string) => ({
  'service-account-issuer': server,
  'service-account-jwks-uri': `${server}/openid/v1/jwks`,
})

/**
 * Starts the demo, or finds it running, and returns what to tell the user. As root the leaves have a real node each; else
 * nodes are simulated, pods do not really run, and there are no logs. Two at once wait for each other.
 * @throws what went wrong; clusters that were started for it are gone by then, those that were found are still there
 */
export async function startDemo(progress: Progress): Promise<string> {
  const real = process.getuid?.() === 0
  if (!real)
    progress.step(
      'not root: nodes are simulated, so pods have no logs and exec does not work (run it as root for real ones)',
    )
  return withLock(path.join(testbedDir(NAME), 'set-up'), progress, async () => {
    const found = await findClusters(progress)
    try {
      const nodes = real ? 'real:1' : 'kwok:3'
      const testbed = found ?? (await upTestbed({ name: NAME, leaves: 2, nodes, rootFlags: issuerInLeaves, progress }))
      if (!isJoined(testbed)) await upKosmos(testbed, progress, { scheduler: true })
      return await showApp(testbed, real, progress)
    } catch (cause) {
      if (found)
        throw new Error(
          `${(cause as Error).message}\nIt was running before: npm stop ends it, npm start makes a new one`,
          {
            cause,
          },
        )
      await downTestbed(NAME, progress)
      throw cause
    }
  })
}

async function showApp(testbed: Testbed, real: boolean, progress: Progress): Promise<string> {
  const kubectl = async (...args: string[]) => {
    const { stdout } = await run(testbed.bin.kubectl ?? 'kubectl', ['--kubeconfig', testbed.root.kubeconfig, ...args])
    return stdout.trimEnd()
  }
  progress.step(`deploying the sample app ${APP}`)
  await applyApp(testbed)
  await kubectl('rollout', 'status', `deployment/${APP}`, '--timeout=120s')
  progress.step('ready')
  const logs = real ? await kubectl('logs', `deployment/${APP}`, '--tail=3') : undefined
  return report(testbed, await kubectl('get', 'nodes'), await kubectl('get', 'pods', '-o', 'wide'), logs)
}

/** The scheduler is the last that is started. */
const components = ['cluster-tree', 'scheduler']
const isJoined = ({ root }: Testbed): boolean => components.every((component) => component in root.pids())

/** The clusters of an earlier start if all of each still runs, also where that start did not come to its end. */
async function findClusters(progress: Progress): Promise<Testbed | undefined> {
  let testbed: Testbed
  try {
    testbed = attachTestbed(NAME)
  } catch (error) {
    if (error instanceof NoTestbed) return undefined
    throw error
  }
  const ours = components.map((component) => `root/${component}`)
  const ended = testbed.journal.processes().find((one) => !ours.includes(one.spec.id) && !isAlive(one))
  if (ended === undefined) return testbed
  progress.step(`${ended.spec.id} of an earlier start has ended: removing the rest, to start anew`)
  await downTestbed(NAME, progress)
  return undefined
}

async function applyApp({ bin, root }: Testbed): Promise<void> {
  const script = 'i=0; while true; do echo "hello $i from $HOSTNAME"; i=$((i+1)); sleep 1; done'
  const app = deployment(APP, REPLICAS, { container: { command: ['sh', '-c', script] } })
  const applied = run(bin.kubectl ?? 'kubectl', ['--kubeconfig', root.kubeconfig, 'apply', '-f', '-'])
  applied.child.stdin?.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [shares, app] }))
  await applied
}

function report(testbed: Testbed, nodes: string, pods: string, logs: string | undefined): string {
  const indent = (text: string) => text.replace(/^/gm, '  ')
  return `
The root cluster sees two leaf clusters as nodes:

${indent(nodes)}

A Deployment of the root runs in them, twice as many pods in leaf1 as in leaf2, as WorkloadPolicy ${APP} says:

${indent(pods)}

${logs === undefined ? 'The nodes are simulated, so there are no logs and no exec. Run it as root for real ones.' : `Its logs, read through the root:\n\n${indent(logs)}`}

Try it:

  export KUBECONFIG=${testbed.root.kubeconfig}
  alias kubectl=${testbed.bin.kubectl}
  kubectl get nodes,pods -o wide
  kubectl scale deployment ${APP} --replicas=12
  kubectl get workloadpolicy ${APP} -o yaml
${logs === undefined ? '' : `  kubectl logs -f deployment/${APP}\n  kubectl exec -it deployment/${APP} -- sh\n`}  npx kosmosctl get clusters
  npx kosmosctl check

The leaves themselves: ${testbed.leaves.map(({ kubeconfig }) => kubeconfig).join(' ')}
npm stop ends and removes everything.`
}
