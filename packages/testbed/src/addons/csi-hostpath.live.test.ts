import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { imageNames } from '../images/catalog.ts'
import { enterNode } from '../nodes/real/enter.ts'
import { downTestbed } from '../testbed/down.ts'
import type { Testbed } from '../testbed/testbed.ts'
import { upTestbed } from '../testbed/up.ts'
import { csiHostPathData } from './csi-hostpath.ts'
import { installCsiHostPath } from './install-csi-hostpath.ts'

const run = promisify(execFile)
const skip = process.getuid?.() === 0 ? false : 'real nodes need root'
const Mi = 2 ** 20

const claim = (name: string, size: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'csi-hostpath',
    resources: { requests: { storage: size } },
    ...more,
  },
})

const pod = (name: string, claimName: string, container: object, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: imageNames.busybox, command: ['sleep', '3600'], ...container }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
    ...spec,
  },
})
const MOUNTED = { volumeMounts: [{ name: 'data', mountPath: '/data' }] }
const DEVICE = { volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] }

describe('a cluster with a CSI driver on two nodes', { skip }, () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'kosmos-csi-'))
  let testbed: Testbed

  const kubectl = async (args: readonly string[], input = ''): Promise<string> => {
    const child = run(testbed.bin.kubectl ?? '', ['--kubeconfig', testbed.leaves[0]?.kubeconfig ?? '', ...args])
    child.child.stdin?.on('error', () => {}).end(input)
    return (await child).stdout
  }
  const apply = (...items: object[]) =>
    kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  const ready = (name: string) => kubectl(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=90s'])
  const inPod = (name: string, script: string) => kubectl(['exec', name, '--', 'sh', '-c', script])
  const field = (kind: string, name: string, path: string) => kubectl(['get', kind, name, '-o', `jsonpath={${path}}`])
  const eventually = async (what: string, look: () => Promise<boolean>) => {
    const deadline = Date.now() + 90_000
    while (!(await look())) {
      if (Date.now() > deadline) throw new Error(`never: ${what}`)
      await sleep(200)
    }
  }
  const grow = async (name: string, size: string) => {
    await kubectl([
      'patch',
      'pvc',
      name,
      '-p',
      JSON.stringify({ spec: { resources: { requests: { storage: size } } } }),
    ])
    await eventually(`${name} has ${size}`, async () => (await field('pvc', name, '.status.capacity.storage')) === size)
  }
  const filesOn = (node: string) => readdirSync(path.join(testbed.dir, 'nodes', node, 'root', csiHostPathData))
  /** Devices of this machine whose file is one of these. */
  const loopDevices = async () => {
    const { stdout } = await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'])
    return stdout.split('\n').filter((line) => line.includes(root) || line.includes(csiHostPathData))
  }

  before(async () => {
    process.env.KOSMOS_TESTBEDS = root
    testbed = await upTestbed({ name: 'csi', leaves: 1, nodes: 'real:2', endsWithProcess: true })
    const [leaf] = testbed.leaves
    assert.ok(leaf)
    await installCsiHostPath(testbed.journal, leaf, { capacity: 1024 * Mi })
  })
  after(async () => {
    await downTestbed('csi')
    rmSync(root, { recursive: true, force: true })
  })

  it('says how much each node has', async () => {
    const capacities = () => kubectl(['get', 'csistoragecapacities', '-A', '-o', 'jsonpath={.items[*].capacity}'])
    await eventually('both nodes have published it', async () => (await capacities()) === '1Gi 1Gi')
  })

  it('keeps what a pod has written for the next one, on the same node', async () => {
    await apply(claim('files', '64Mi'), pod('writer', 'files', MOUNTED))
    await ready('writer')
    await inPod('writer', 'echo precious > /data/file')
    const node = await field('pod', 'writer', '.spec.nodeName')
    await kubectl(['delete', 'pod', 'writer'])
    await apply(pod('reader', 'files', MOUNTED))
    await ready('reader')
    assert.equal(await inPod('reader', 'cat /data/file'), 'precious\n')
    assert.equal(await field('pod', 'reader', '.spec.nodeName'), node)
    assert.deepEqual(filesOn(node), [await field('pvc', 'files', '.spec.volumeName')])
  })

  it('lets a file system grow while a pod uses it', async () => {
    const size = async () => Number(await inPod('reader', "df -m /data | awk 'END { print $2 }'"))
    assert.ok((await size()) < 64)
    await grow('files', '128Mi')
    assert.ok((await size()) > 100, `it has ${await size()} MiB`)
  })

  it('gives a pod a block device, which can grow as well', async () => {
    await apply(claim('blocks', '16Mi', { volumeMode: 'Block' }), pod('raw', 'blocks', DEVICE))
    await ready('raw')
    const size = async () => Number(await inPod('raw', 'blockdev --getsize64 /dev/data'))
    assert.equal(await size(), 16 * Mi)
    await inPod('raw', 'echo precious | dd of=/dev/data bs=1M seek=8 conv=notrunc,fsync')
    await grow('blocks', '32Mi')
    assert.equal(await size(), 32 * Mi)
    await kubectl(['delete', 'pod', 'raw'])
    await apply(pod('raw', 'blocks', DEVICE))
    await ready('raw')
    assert.equal(await inPod('raw', 'dd if=/dev/data bs=1M skip=8 count=1 2>/dev/null | head -n 1'), 'precious\n')
  })

  it('copies a volume for a claim that names another', async () => {
    const source = { dataSource: { kind: 'PersistentVolumeClaim', name: 'files' } }
    const nodeName = await field('pod', 'reader', '.spec.nodeName')
    const there = { nodeSelector: { 'kubernetes.io/hostname': nodeName } }
    await apply(claim('copy', '256Mi', source), pod('copier', 'copy', MOUNTED, there))
    await ready('copier')
    assert.equal(await inPod('copier', 'cat /data/file'), 'precious\n')
    assert.ok(
      Number(await inPod('copier', "df -m /data | awk 'END { print $2 }'")) > 200,
      'it is as large as asked for',
    )
    await kubectl(['delete', 'pod', 'copier'])
    await kubectl(['delete', 'pvc', 'copy'])
    await eventually('its file is gone', async () => filesOn(nodeName).length <= 2)
  })

  it('has no node for a claim that is larger than any has left', async () => {
    await apply(claim('huge', '2Gi'), pod('hungry', 'huge', MOUNTED))
    await eventually('the pod says so', async () =>
      /not have enough free storage/.test(await field('pod', 'hungry', '.status.conditions[*].message')),
    )
  })

  it('leaves no mount and no loop device behind', async () => {
    assert.notDeepEqual(await loopDevices(), [], 'what is in use is seen')
    const [file = '', ...args] = enterNode(testbed.journal, 'leaf1', await field('pod', 'reader', '.spec.nodeName'))
    assert.match((await run(file, [...args, 'cat', '/proc/self/mountinfo'])).stdout, /\/dev\/loop\d+ /)
    await downTestbed('csi')
    assert.deepEqual(await loopDevices(), [])
    const mounts = await run('sh', ['-c', 'cat /proc/[0-9]*/mountinfo 2>/dev/null || true'], { maxBuffer: 2 ** 28 })
    assert.ok(!mounts.stdout.includes(`${root}/`))
  })
})
