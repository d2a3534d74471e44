import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ensureBinaries, silent } from '@kosmos/testbed'
import { runSide, suiteOf } from '../conformance/run.ts'
import { slice } from '../conformance/slice.ts'
import { testNames } from '../conformance/suite.ts'
import { type Platform, startPlatform } from '../platform/platform.ts'
import { withoutTaint } from '../platform/tree-options.ts'

const isRoot = process.getuid?.() === 0

describe('a virtual node under Kubernetes’ own tests', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  let bin: Record<'e2e.test', string>

  before(async () => {
    bin = await ensureBinaries(['e2e.test'], silent)
    platform = await startPlatform('judged', { leaves: 1, nodes: 'real:2', images: ['busybox', 'agnhost', 'web'] })
    await withoutTaint(platform.root, 'leaf1')
  })
  after(() => platform?.down())

  it('passes what stands for the conformance tests of nodes, workloads, identities, volumes and kubectl', async () => {
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
})
