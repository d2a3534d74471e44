import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Client, Connection, createTransport, loadKubeConfig } from '@kosmos/kube'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { type Beat, runHeartbeat } from './heartbeat.ts'

describe('the heartbeat of a leaf', () => {
  let leaf: LiveCluster

  before(async () => {
    leaf = await startCluster('leaf')
  })
  after(() => leaf?.end())

  const followed = (client: Client, timeoutMs = 10_000) => {
    const stop = new AbortController()
    const beats: Beat[] = []
    const options = { client, onBeat: (beat: Beat) => void beats.push(beat), intervalMs: 100, timeoutMs }
    const ends = runHeartbeat(options, stop.signal)
    const says = (kind: Beat['kind']) =>
      eventually(`it is ${kind}`, () => {
        const last = beats.at(-1)
        return last?.kind === kind && last
      })
    return {
      beats,
      says,
      end: async () => {
        stop.abort()
        await ends
      },
    }
  }

  it('says when the leaf does not know who asks', async () => {
    const config = loadKubeConfig({ file: leaf.controlPlane.kubeconfig })
    const [cluster] = config.clusters
    assert(cluster)
    config.loadFromClusterAndUser(cluster, { name: 'nobody', token: 'of-nobody' })
    const connection = new Connection('leaf', await createTransport(config))
    const { says, end } = followed(new Client(connection, 'kosmos-test'))
    const refused = await says('refused')
    assert.equal('code' in refused && refused.code, 401)
    await end()
    await connection.close()
  })

  it('tells a silent API server from one that has lost its store, and both from one that is well', async () => {
    const { says, end } = followed(leaf.client)
    await says('ready')
    await leaf.controlPlane.pause('kube-apiserver')
    await says('unreachable')
    leaf.controlPlane.resume('kube-apiserver')
    await says('ready')
    await leaf.controlPlane.kill('etcd')
    // Each of the two looks would take two of the five seconds that a heartbeat has; on a busy machine one may take all of them.
    await eventually('it says what has failed', async () => {
      const notReady = await says('notReady')
      return 'message' in notReady && /\[-\]etcd failed.*etcd-readiness excluded/s.test(notReady.message)
    })
    await end()
  })

  it('calls one that answers unready, not unreachable, though it does not say in time that it has lost its store', async () => {
    const { says, end } = followed(leaf.client, 1_000)
    const notReady = await says('notReady')
    assert.match('message' in notReady ? notReady.message : '', /no full answer within 1000 ms/)
    await leaf.controlPlane.pause('kube-apiserver')
    await says('unreachable')
    leaf.controlPlane.resume('kube-apiserver')
    await says('notReady')
    await end()
  })
})
