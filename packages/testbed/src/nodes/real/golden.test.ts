import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { containerdConfig } from './containerd-config.ts'
import { kubeletScript } from './files.ts'
import { kubeProxyConfig } from './kube-proxy-config.ts'
import { kubeletConfig } from './kubelet-config.ts'
import { cniConfig } from './network/cni-config.ts'
import { netConf } from './network/flannel.ts'
import { planNode } from './plan.ts'
import { setupScript } from './setup.ts'

// What a node's programs are given, as files to review: `UPDATE_GOLDEN=1 node --test …/golden.test.ts` writes them anew.
const folder = path.join(import.meta.dirname, 'golden')

function golden(name: string, text: string): void {
  const file = path.join(folder, name)
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, text)
  }
  assert.equal(text, readFileSync(file, 'utf8'))
}

const clusterCidr = '10.129.0.0/16'
const node = planNode('/srv/beds/demo', 'leaf1', 1, {
  address: '172.28.7.10',
  podCidr: '10.129.135.0/24',
  cni: 'ptp',
})
const peer = planNode('/srv/beds/demo', 'leaf1', 2, {
  address: '172.28.7.11',
  podCidr: '10.129.136.0/24',
  cni: 'ptp',
})

describe('a real node is set up by', () => {
  const setup = {
    node,
    underlayPrefix: 24,
    gateway: '172.28.7.1',
    switchPid: 4711,
    clusterCidr,
    peers: [peer],
    keep: ['/srv/beds/demo', '/usr/bin/kubelet'],
  }

  it('a script that gives it links, routes and fresh folders', () => {
    golden('setup.sh', `${setupScript(setup).join('\n')}\n`)
  })

  it('the same script with what it needs below /var/lib kept in sight', () => {
    const keep = ['/var/lib/jenkins/my cache/kubelet', '/var/lib/jenkins/other', '/var/library/x']
    golden('setup-below-var-lib.sh', `${setupScript({ ...setup, keep }).join('\n')}\n`)
  })

  it('a script that shows the kubelet the kernel settings it wants', () => {
    golden('kubelet.sh', kubeletScript(node, '/usr/bin/kubelet'))
  })

  it('other files where Flannel is its network', () => {
    golden('flannel.sh', `${setupScript({ ...setup, node: { ...node, cni: 'flannel' } }).join('\n')}\n`)
    for (const cni of ['flannel', 'flannel-iptables'] as const) {
      const one = { ...node, cni }
      golden(`${cni}-kube-proxy.yaml`, kubeProxyConfig(one, clusterCidr))
      golden(`${cni}-net-conf.txt`, `${netConf(cni, clusterCidr)}\n`)
      golden('flannel.conflist', cniConfig(one))
    }
  })

  it('a configuration for each of its programs', () => {
    golden('kubelet.yaml', kubeletConfig(node, '10.65.0.10'))
    golden('kube-proxy.yaml', kubeProxyConfig(node, clusterCidr))
    golden('containerd.toml', containerdConfig({ pauseImage: 'pause:3', dir: node.dir, cniBinDirs: ['/opt/cni/bin'] }))
    golden('pods.conflist', cniConfig(node))
  })
})

describe('the nodes of a cluster', () => {
  it('have names, cgroups and folders of their own', () => {
    assert.deepEqual([node.name, node.dir], ['leaf1-node-1', '/srv/beds/demo/nodes/leaf1-node-1'])
    assert.deepEqual([peer.name, peer.dir], ['leaf1-node-2', '/srv/beds/demo/nodes/leaf1-node-2'])
    assert.notEqual(node.cgroup, peer.cgroup)
  })
})
