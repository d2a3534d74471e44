import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { ensureBinaries, enterNode, imageNames, silent } from '@kosmos/testbed'
import { runSide, suiteOf, withoutTaint } from '../conformance/run.ts'
import { slice } from '../conformance/slice.ts'
import { testNames } from '../conformance/suite.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0

describe('a virtual node, as others judge it', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  let bin: Record<'e2e.test' | 'virtual-kubelet-e2e', string>

  before(async () => {
    bin = { ...(await ensureBinaries(['e2e.test', 'virtual-kubelet-e2e'], silent)) } as typeof bin
    platform = await startPlatform('judged', { leaves: 1, nodes: 'real:2', images: ['busybox', 'agnhost', 'web'] })
    await withoutTaint(platform)
  })
  after(() => platform?.down())

  it('passes what stands for Kubernetes’ conformance tests of nodes, workloads and kubectl', async () => {
    const { root, bin: programs } = platform.testbed
    const suite = suiteOf({ program: bin['e2e.test'], kubectl: programs.kubectl ?? '' }, root, 'slice')
    const names = await testNames(suite, slice, '$^')
    assert(names.length > 30, `${names.length} tests are selected`)
    const outcomes = await runSide('slice', suite, names, silent)
    assert.deepEqual(
      outcomes.filter(({ state }) => state !== 'passed').map(({ name, state, message }) => ({ name, state, message })),
      [],
    )
    assert.equal(outcomes.length, names.length)
  })

  it('passes the end-to-end tests that virtual-kubelet has for its providers', async () => {
    await fakeImages(platform)
    const { stdout } = await run(bin['virtual-kubelet-e2e'], [
      `--kubeconfig=${platform.testbed.root.kubeconfig}`,
      '--node-name=kosmos-leaf1',
      '--test.v',
    ]).catch((error: { stdout: string }) => error)
    assert.doesNotMatch(stdout, /--- (FAIL|SKIP)/, stdout)
    assert.equal([...stdout.matchAll(/--- PASS: VirtualKubelet\/\w+/g)].length, 10, stdout)
  })
})

/** Those tests run images called foo, bar and baz, which nobody has: here they are pause, and are not pulled. */
async function fakeImages({ testbed, kubectlIn }: Platform): Promise<void> {
  const [leaf] = testbed.leaves
  assert(leaf)
  for (const node of leaf.nodes) {
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
