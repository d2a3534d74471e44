import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pods } from '@kosmos/kube'
import { eventually } from '../platform/platform.ts'
import { type CompatibilityPlatform, startFor } from './platform.ts'
import { exampleApp, exampleMonitor, kubeletMetrics, prometheus, prometheusRights } from './prometheus.ts'
import { manifestsOf } from './software.ts'

const isRoot = process.getuid?.() === 0
const namespace = 'default'
const NAME = 'prometheus-prometheus-0'

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

describe('Prometheus Operator, with Prometheus in a leaf', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: CompatibilityPlatform
  const query = async (expression: string, time?: number): Promise<readonly Sample[]> => {
    const parameters = new URLSearchParams({ query: expression, ...(time && { time: `${time}` }) })
    const url = `http://localhost:9090/api/v1/query?${parameters}`
    const text = await platform.must('exec', NAME, '-c', 'prometheus', '--', 'wget', '-qO-', url)
    return JSON.parse(text).data.result
  }
  const targets = async (job: string) => (await query(`up{job="${job}"} == 1`)).map(({ metric }) => metric)
  const ready = () => platform.must('wait', '--for=condition=Ready', `pod/${NAME}`, '--timeout=180s')

  before(async () => {
    platform = await startFor('prometheus-operator')
    await platform.install(await manifestsOf('prometheus-operator'))
    await platform.must('rollout', 'status', 'deployment/prometheus-operator', '--timeout=120s')
    await platform.install([...exampleApp, ...prometheusRights])
    await platform.must('rollout', 'status', 'deployment/example-app', '--timeout=120s')
  })
  after(() => platform?.down())

  it('starts a Prometheus, which keeps its data on a volume of the leaf', async () => {
    await platform.install([prometheus])
    await eventually('its pod is there', () => platform.root.get(pods, { namespace, name: NAME }))
    await ready()
    await platform.must('wait', 'prometheus/prometheus', '--for=condition=Available', '--timeout=120s')
  })

  it('finds the pods behind the Service of a ServiceMonitor, by the root’s API server, and scrapes them', async () => {
    // All at once: a second change within seconds may wait for the next look of the reloader, three minutes later.
    await platform.install([exampleMonitor('ServiceMonitor'), exampleMonitor('PodMonitor'), ...kubeletMetrics])
    const found = await eventually('all are scraped', async () => {
      const up = await targets('example-app')
      return up.length === 3 && up
    })
    const { stdout } = await platform.kubectl(['get', 'pods', '-l', 'app=example-app', '-o', 'json'])
    const running = JSON.parse(stdout).items as { metadata: { name: string }; status: { podIP: string } }[]
    assert.deepEqual(
      found.map(({ pod, instance }) => `${pod} ${instance}`).sort(),
      running.map(({ metadata, status }) => `${metadata.name} ${status.podIP}:9153`).sort(),
    )
    assert.equal((await query('sum(coredns_build_info{job="example-app"})'))[0]?.value[1], '3')
  })

  it('finds the pods of a PodMonitor', async () => {
    await eventually('all are scraped', async () => (await targets(`${namespace}/example-app`)).length === 3)
  })

  it('reads what containers use from the kubelet of the virtual node', async () => {
    const memory = `container_memory_working_set_bytes{job="kubelets",pod="${NAME}",container="prometheus"}`
    const [sample] = await eventually('there are figures', async () => {
      const samples = await query(memory)
      return samples.length > 0 && samples
    })
    assert.ok(Number(sample?.value[1]) > 0)
  })

  it('follows the number of pods', async () => {
    await platform.must('scale', 'deployment/example-app', '--replicas=1')
    await eventually('one is left', async () => (await targets('example-app')).length === 1)
  })

  it('knows what was before its pod was replaced', async () => {
    const before = Date.now() / 1000 - 2
    const seen = await query('up', before)
    assert.ok(seen.length > 0)
    const uid = (await platform.root.get(pods, { namespace, name: NAME }))?.metadata.uid
    await platform.must('delete', 'pod', NAME)
    await eventually('another pod', async () => {
      const now = await platform.root.get(pods, { namespace, name: NAME })
      return now && now.metadata.uid !== uid
    })
    await ready()
    assert.equal((await query('up', before)).length, seen.length)
  })
})
