import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startMetricsServer } from '@kosmos/testbed'
import { deployment } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0
/** Uses about a tenth of a core, more than its request. */
const BUSY = ['sh', '-c', 'while true; do i=0; while [ $i -lt 10000 ]; do i=$((i+1)); done; sleep 0.1; done']
const asking = (cpu: string) => ({
  resources: { requests: { cpu, memory: '8Mi' }, limits: { cpu: '100m', memory: '64Mi' } },
})

describe('what pods in leaves use', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  const kubectl = async (...args: string[]) => (await platform.kubectl(args)).stdout

  before(async () => {
    platform = await startPlatform('autoscaling', { leaves: 1, nodes: 'real:1' })
    await startMetricsServer(platform.testbed.journal, platform.testbed.root)
    await platform.apply(deployment('busy', 1, { container: { command: BUSY, ...asking('10m') } }))
    // Its start alone is more than half of 10m over the first quarter of a minute.
    await platform.apply(deployment('idle', 1, { container: { command: ['sleep', '3600'], ...asking('100m') } }))
  })
  after(() => platform?.down())

  it('is shown by kubectl top, for pods and for the virtual node', async () => {
    // On a busy machine it gets what it may use not all the time.
    const [, cpu, memory] = await eventually(
      'there are figures of the pod, which uses more than it asks for',
      async () => {
        const figures = (await kubectl('top', 'pods')).match(/^busy-\S+\s+([1-9]\d*)m\s+(\d+)Mi/m)
        return figures !== null && Number(figures[1]) > 10 && figures
      },
    )
    assert(Number(cpu) < 200, `it uses ${cpu} thousandths of a core`)
    assert(Number(memory) < 64, `it uses ${memory} MiB`)
    await eventually('there are figures of the node', async () =>
      /^kosmos-leaf1\s+\d+m\s+\d+%\s+\d+Mi\s+\d+%/m.test(await kubectl('top', 'nodes')),
    )
  })

  it('makes a HorizontalPodAutoscaler add replicas to what is busy, and only to that', async () => {
    for (const name of ['busy', 'idle']) {
      const { code, stderr } = await platform.kubectl(['autoscale', 'deployment', name, '--max=2', '--cpu=50%'])
      assert.equal(code, 0, stderr)
    }
    await eventually('the busy one has two replicas', async () =>
      /^2$/.test(await kubectl('get', 'deployment', 'busy', '-o', 'jsonpath={.status.readyReplicas}')),
    )
    await eventually('the idle one has been looked at', async () => {
      const current = '{.status.currentMetrics[0].resource.current.averageUtilization}'
      return /^\d+$/.test(await kubectl('get', 'hpa', 'idle', '-o', `jsonpath=${current}`))
    })
    assert.equal(await kubectl('get', 'deployment', 'idle', '-o', 'jsonpath={.spec.replicas}'), '1')
  })
})
