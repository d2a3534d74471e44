import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import https from 'node:https'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type Pod, pods, unwrap } from '@kosmos/kube'
import { createAuthority, ensureBinaries, enterNode, imageNames, silent } from '@kosmos/testbed'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { setTreeOptions } from '../platform/tree-options.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0

/**
 * The tests that virtual-kubelet publishes for its providers (test/e2e of github.com/virtual-kubelet/virtual-kubelet), on the
 * virtual nodes of a leaf with a real node and a simulated one. One test gives a pod one second to end, which only a simulated
 * node keeps; two ask for what pods use, which only a real node knows. The other six run on both.
 */
describe('virtual nodes under the tests of virtual-kubelet', { skip: isRoot ? false : 'real nodes need root' }, () => {
  const real = 'leaf1-node-1'
  const simulated = 'kwok-0'
  let platform: Platform
  let program = ''
  let relay: https.Server | undefined

  before(async () => {
    program = (await ensureBinaries(['virtual-kubelet-e2e'], silent))['virtual-kubelet-e2e']
    platform = await startPlatform('providers', { leaves: 1, nodes: 'kwok:1,real:1' })
    const leafModels = [real, simulated].map((nodeName) => ({ nodeSelector: { nodeName } }))
    unwrap(await setTreeOptions(platform.root, 'leaf1', { leafModels }))
    for (const node of [real, simulated]) {
      await eventually(`${node} is Ready`, async () => {
        const { code } = await platform.kubectl(['wait', '--for=condition=Ready', `node/${node}`, '--timeout=10s'])
        return code === 0
      })
    }
    await fakeImages(platform)
  })
  after(async () => {
    relay?.close()
    await platform?.down()
  })

  /** The results of tests by name, and what was printed. */
  async function suite(node: string, tests: string): Promise<{ results: Record<string, string>; printed: string }> {
    const { stdout } = await run(program, [
      `--kubeconfig=${platform.testbed.root.kubeconfig}`,
      `--node-name=${node}`,
      '--test.v',
      `--test.run=^VirtualKubelet$/${tests}`,
    ]).catch((error: { stdout: string }) => error)
    const results = stdout.matchAll(/--- (\w+): VirtualKubelet\/(\w+)/g)
    return {
      results: Object.fromEntries([...results].map(([, result = '', name = '']) => [name, result])),
      printed: stdout,
    }
  }

  it('start and end pods as they expect, and wait for what is missing', async () => {
    const { results, printed } = await suite(simulated, '(TestGetPods|TestPodLifecycle|TestCreatePod)')
    assert.deepEqual(Object.keys(results).length, 7, printed)
    assert.deepEqual([...new Set(Object.values(results))], ['PASS'], printed)
  })

  it('do so on a real node, and tell what pods use there', async () => {
    relay = await serveAsPod(platform, real)
    const { results, printed } = await suite(real, '(TestGet|TestPodLifecycleForce|TestCreatePod)')
    assert.deepEqual(Object.keys(results).length, 8, printed)
    assert.deepEqual([...new Set(Object.values(results))], ['PASS'], printed)
  })
})

/**
 * Where virtual-kubelet runs it is a pod of the node's name, and two of its tests ask that pod by the API server. Here such a pod
 * has the address of a server that hands each request on to the node, as `kubectl get --raw` asks it.
 */
async function serveAsPod({ testbed, root, kubectl }: Platform, node: string): Promise<https.Server> {
  const podIP = new URL(testbed.root.server).hostname
  const { certificate: cert, key } = await (await createAuthority('relay')).issue({ commonName: node, hosts: [podIP] })
  const server = https.createServer({ cert, key }, async ({ url }, response) => {
    const { code, stdout, stderr } = await kubectl(['get', '--raw', `/api/v1/nodes/${node}/proxy${url}`])
    response.writeHead(code === 0 ? 200 : 502).end(code === 0 ? stdout : stderr)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(10250, podIP, resolve))
  const ref = { namespace: 'default', name: node }
  const spec = { schedulerName: 'nobody', containers: [{ name: 'main', image: imageNames.pause }] }
  unwrap(await root.create(pods, { metadata: ref, spec } as unknown as Pod))
  const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }] }
  unwrap(await root.patch(pods, ref, { status }, { type: 'merge', subresource: 'status' }))
  return server
}

/** Those tests run images called foo, bar and baz, which nobody has: here they are pause, and are not pulled. */
async function fakeImages({ testbed, kubectlIn }: Platform): Promise<void> {
  const [leaf] = testbed.leaves
  assert(leaf)
  for (const node of leaf.nodes.filter((name) => name.startsWith('leaf1'))) {
    const [file = '', ...within] = enterNode(testbed.journal, leaf.name, node)
    for (const name of ['foo', 'bar', 'baz']) {
      const names = [imageNames.pause, `docker.io/library/${name}:latest`]
      await run(file, [...within, testbed.bin.ctr ?? '', '-n', 'k8s.io', 'images', 'tag', ...names])
    }
  }
  const list = { apiVersion: 'v1', kind: 'List', items: neverPull() }
  const { code, stderr } = await kubectlIn(leaf, ['apply', '-f', '-'], JSON.stringify(list))
  assert.equal(code, 0, stderr)
  await eventually('the policy is in force', async () => {
    const policy = 'jsonpath={.spec.containers[0].imagePullPolicy}'
    const { stdout } = await kubectlIn(leaf, ['run', 'probe', '--image=foo', '--dry-run=server', '-o', policy])
    return stdout === 'Never'
  })
}

/** An admission policy of the leaf's own, which changes the copies: that must not upset anything. */
function neverPull(): object[] {
  const apiVersion = 'admissionregistration.k8s.io/v1'
  const metadata = { name: 'never-pull' }
  const expression = `object.spec.containers.map(c, JSONPatch{op: "replace", value: "Never",
    path: "/spec/containers/" + string(object.spec.containers.indexOf(c)) + "/imagePullPolicy"})`
  const spec = {
    matchConstraints: {
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    },
    matchConditions: [
      { name: 'of-virtual-kubelet', expression: 'object.spec.containers.all(c, c.image in ["foo", "bar", "baz"])' },
    ],
    failurePolicy: 'Fail',
    reinvocationPolicy: 'Never',
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }],
  }
  return [
    { apiVersion, kind: 'MutatingAdmissionPolicy', metadata, spec },
    { apiVersion, kind: 'MutatingAdmissionPolicyBinding', metadata, spec: { policyName: metadata.name } },
  ]
}
