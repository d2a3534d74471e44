import assert from 'node:assert/strict'
import { clusterNodeName } from '@kosmos/api'
import { nodeConfigs } from '@kosmos/cluster-link'
import { ApiError, Client, Connection, createTransport, loadKubeConfig, secrets } from '@kosmos/kube'
import type { ControlPlane } from '@kosmos/testbed'
import type { Platform } from '../../platform/platform.ts'

/** With the token of an agent: it may write the status of its own node's NodeConfig, and of no other. */
export async function agentsKeepToTheirNode(platform: Platform, leaf: ControlPlane): Promise<void> {
  const [own = '', other = ''] = leaf.nodes
  const client = await asAgent(platform, leaf, own)
  try {
    const writes = async (node: string) => {
      const patch = { status: { lastSyncTime: new Date().toISOString() } }
      const ref = { name: clusterNodeName(leaf.name, node) }
      try {
        const outcome = await client.patch(nodeConfigs, ref, patch, { type: 'merge', subresource: 'status' })
        return outcome.ok ? 'written' : outcome.status.message
      } catch (error) {
        if (error instanceof ApiError) return error.message
        throw error
      }
    }
    assert.equal(await writes(own), 'written')
    assert.match((await writes(other)) ?? '', /writes the status of its own node only/)
    await assert.rejects(client.listAll(secrets), /forbidden/)
  } finally {
    await client.connection.close()
  }
}

async function asAgent(platform: Platform, leaf: ControlPlane, node: string): Promise<Client> {
  const inLink = (...args: string[]) => platform.kubectlIn(leaf, ['-n', 'kosmos-link', ...args])
  const path = `{.items[?(@.spec.nodeName=="${node}")].metadata.name}`
  const { stdout: pod } = await inLink(
    'get',
    'pods',
    '-l',
    'app.kubernetes.io/name=link-agent',
    '-o',
    `jsonpath=${path}`,
  )
  const bound = ['--bound-object-kind=Pod', `--bound-object-name=${pod}`]
  const { stdout: token, stderr } = await inLink('create', 'token', 'kosmos-link-agent', ...bound)
  assert.ok(token, stderr)
  const { name, server } = leaf
  const authority = Buffer.from(leaf.ca).toString('base64')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: 'agent', user: { token: token.trim() } }],
    contexts: [{ name: 'agent', context: { cluster: name, user: 'agent' } }],
    'current-context': 'agent',
  }
  const transport = await createTransport(loadKubeConfig({ text: JSON.stringify(config) }))
  return new Client(new Connection('agent', transport), 'scenario')
}
