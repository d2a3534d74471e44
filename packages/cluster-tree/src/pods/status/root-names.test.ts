import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import { privateName } from '../../copies/private-name.ts'
import { leafPod, rootPod } from '../fixture.ts'
import { withRootNames } from './root-names.ts'

const rootClusterId = 'root-1'
const renamed = (name: string) => privateName(name, rootClusterId)

describe('what a leaf says of a pod whose ConfigMap, Secret or claim has another name there', () => {
  const base = rootPod()
  const root: Pod = {
    ...base,
    spec: {
      ...base.spec,
      volumes: [
        { name: 'config', configMap: { name: 'settings' } },
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
      ],
      containers: [{ name: 'main', image: 'i', envFrom: [{ secretRef: { name: 'key' } }] }],
    },
  }
  const container = { image: 'i', imageID: '', ready: false, restartCount: 0 }
  const statusOf = (name: (one: string) => string) => ({
    phase: 'Pending',
    hostIP: '192.0.2.7',
    message: `volume "data" of claim "${name('data')}"`,
    conditions: [{ type: 'PodScheduled', status: 'False', message: `claim "${name('data')}" not found` }],
    containerStatuses: [
      {
        ...container,
        name: 'main',
        state: {
          waiting: { reason: 'CreateContainerConfigError', message: `secret "${name('key')}" not found` },
        },
      },
    ],
    initContainerStatuses: [
      { ...container, name: 'first', state: { waiting: { message: `configmap "${name('settings')}" not found` } } },
    ],
    ephemeralContainerStatuses: [
      { ...container, name: 'debug', state: { waiting: { message: `secret "${name('key')}" not found` } } },
    ],
  })

  it('names them as the root does, wherever it says so', () => {
    const leaf = { ...leafPod(root), status: statusOf(renamed) } as Pod
    assert.deepEqual(withRootNames(leaf, root, rootClusterId).status, statusOf(String))
  })

  it('stays as it is where it is about something else, or the container said it itself', () => {
    const ended = { terminated: { exitCode: 1, message: `I read ${renamed('settings')}` } }
    const status = {
      message: `secret "${renamed('of-another-pod')}" not found`,
      containerStatuses: [{ ...container, name: 'main', state: ended, lastState: ended }],
    }
    const leaf = { ...leafPod(root), status } as Pod
    assert.deepEqual(withRootNames(leaf, root, rootClusterId), leaf)
    const { status: _, ...silent } = leaf
    assert.deepEqual(withRootNames(silent as Pod, root, rootClusterId), silent)
  })
})
