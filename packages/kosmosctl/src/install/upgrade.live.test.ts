import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { systemNamespace } from '@kosmos/api'
import { pods } from '@kosmos/kube'
import { daemonSets, deployments } from '../clusters/resources.ts'
import { join } from '../join/join.ts'
import { eventually, liveClusters, recorded } from '../live.fixture.ts'
import { explain } from '../terminal/explain.ts'
import { silent } from '../terminal/progress.ts'
import { install } from './install.ts'

const CONTROLLERS = 6

describe('install over a version that runs', () => {
  const { root, leaf } = liveClusters(['root', 'leaf'])
  const upTo = (image: string, timeoutSeconds: number) => install({ root: root.source, image, timeoutSeconds }, silent)
  const podsOf = async (image: string) =>
    (await root.client.listAll(pods, { namespace: systemNamespace })).filter(
      ({ spec }) => spec.containers[0]?.image === image,
    )
  /** As a kubelet says it; there is none here. */
  const becomeReady = async (image: string) => {
    for (const { metadata } of await podsOf(image)) {
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }]
      await root.client.patch(
        pods,
        metadata,
        { status: { phase: 'Running', conditions } },
        {
          type: 'strategic',
          subresource: 'status',
        },
      )
    }
  }

  before(async () => {
    await upTo('kosmos:old', 0)
    await eventually(async () => (await podsOf('kosmos:old')).length === CONTROLLERS, 'the old ones are made')
    await becomeReady('kosmos:old')
  })

  it('does not take the old controllers, which are well, for the new ones', async () => {
    await upTo('kosmos:old', 30)
    const said = await upTo('kosmos:new', 2).then(
      () => 'done',
      (error) => explain(error).message,
    )
    assert.match(said, /Deployment clustertree is not up to date: /)
  })

  it('is done when the new ones are', async () => {
    const ready = setInterval(() => void becomeReady('kosmos:new').catch(() => {}), 500)
    try {
      await upTo('kosmos:new', 60)
    } finally {
      clearInterval(ready)
    }
    await eventually(async () => (await podsOf('kosmos:new')).length === CONTROLLERS, 'all are new')
  })

  it('stays on the image that somebody has chosen, and says so, until another one is asked for', async () => {
    const ref = { namespace: systemNamespace, name: 'clustertree' }
    const runs = async () => (await root.client.get(deployments, ref))?.spec.template.spec.containers[0]?.image
    const chosen = 'registry.example:5000/kosmos:1'
    await upTo(chosen, 0)
    const progress = recorded()
    await install({ root: root.source, timeoutSeconds: 0 }, progress)
    assert.equal(await runs(), chosen)
    const said = `Deployment kosmos-system/clustertree stays on image ${chosen}; --image changes it`
    assert.ok(progress.warnings.includes(said), progress.warnings.join())
    await upTo('ghcr.io/kosmos-io/kosmos:0.0.1', 0)
    await install({ root: root.source, timeoutSeconds: 0 }, progress)
    assert.match((await runs()) ?? '', /^ghcr\.io\/kosmos-io\/kosmos:(?!0\.0\.1$)/)
  })

  it('is the same for the agents of a linked cluster', async () => {
    const ref = { namespace: 'kosmos-link', name: 'kosmos-link-agent' }
    const options = { name: 'leaf', root: root.source, leaf: leaf.source, link: {}, tree: false, timeoutSeconds: 0 }
    const chosen = 'registry.example/agent:1'
    await join({ ...options, agentImage: chosen }, silent)
    const progress = recorded()
    await join(options, progress)
    assert.ok(JSON.stringify(await leaf.client.get(daemonSets, ref)).includes(`"image":"${chosen}"`))
    assert.ok(progress.warnings.some((text) => text.endsWith('--agent-image changes it')))
  })
})
