import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { clusterNetwork, freeLoopbackAddress, isFree } from './address.ts'
import { type ControlPlanePlan, componentNames, componentSpec } from './components.ts'

const plan: ControlPlanePlan = {
  name: 'leaf1',
  dir: '/bed/leaf1',
  pki: { dir: '/pki', caFile: '/pki/ca.crt', ca: 'PEM', adminToken: 'secret', file: (name) => `/pki/${name}` },
  network: clusterNetwork(1),
  loopback: '127.64.0.1',
  listenAddress: '127.64.0.1',
  port: 6443,
  bin: {
    etcd: '/bin/etcd',
    'kube-apiserver': '/bin/kube-apiserver',
    'kube-controller-manager': '/bin/kube-controller-manager',
    'kube-scheduler': '/bin/kube-scheduler',
  },
}

describe('the command lines of a control plane', () => {
  it('never hold a secret: everybody on the machine can read them', () => {
    for (const name of componentNames) assert.ok(!componentSpec(plan, name).argv.join(' ').includes('secret'))
  })

  it('keep a loopback API server out of the endpoints of its Service, and publish one that nodes reach', () => {
    const flag = (listenAddress: string) =>
      componentSpec({ ...plan, listenAddress }, 'kube-apiserver').argv.find((a) =>
        a.startsWith('--endpoint-reconciler'),
      )
    assert.equal(flag('127.64.0.1'), '--endpoint-reconciler-type=none')
    assert.equal(flag('172.28.0.1'), '--endpoint-reconciler-type=lease')
  })

  it('let only the cluster itself listen on its loopback address', () => {
    for (const name of ['etcd', 'kube-controller-manager', 'kube-scheduler'] as const) {
      const text = componentSpec(plan, name).argv.join(' ')
      assert.ok(text.includes('127.64.0.1') && !text.includes('0.0.0.0'))
    }
  })
})

describe('the addresses of clusters', () => {
  it('have ranges that no two clusters of a test bed share', () => {
    const ranges = Array.from({ length: 64 }, (_, i) => clusterNetwork(i)).flatMap((n) => [n.podCIDR, n.serviceCIDR])
    assert.equal(new Set(ranges).size, 128)
    assert.throws(() => clusterNetwork(64), RangeError)
  })

  it('are loopback addresses that are free', async () => {
    const address = await freeLoopbackAddress()
    assert.match(address, /^127\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./)
    assert.ok(await isFree(address, 6443))
  })

  it('are told of a port that somebody has taken on all of them, and of who it is', async (t) => {
    const program = "require('net').createServer().listen(0, function () { console.log(this.address().port) })"
    const holder = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => holder.kill('SIGKILL'))
    const [said] = await once(holder.stdout, 'data')
    const port = Number(said)
    await assert.rejects(
      freeLoopbackAddress([port]),
      new RegExp(
        `^PortTaken: port ${port} is taken on this machine by node \\(process ${holder.pid}\\), .*: end that program`,
      ),
    )
  })
})
