import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { clusterNodeName } from '@kosmos/api'
import { clusterNodes } from '@kosmos/cluster-link'
import { enterNode } from '@kosmos/testbed'
import { eventually, type Platform } from '../../platform/platform.ts'
import { isTold, linkCheck, nothingIsWrong } from './seen.ts'

interface Place {
  readonly leafName: string
  readonly node: string
}

/** Listens on a UDP port until it is killed. */
const listener = (port: number) =>
  `require('node:dgram').createSocket('udp4').bind(${port}, () => console.log('listening'))`

/**
 * Somebody on a node listens on the port of its tunnels before these are made: its ClusterNode and `link check` say which
 * port of which device and by whom, and all is well when it has ended.
 * @param makeTunnels ends with the node being wanted to have tunnels
 */
export async function isNamedWhileTaken(
  platform: Platform,
  at: Place,
  port: number,
  makeTunnels: () => Promise<void>,
): Promise<void> {
  const [file = '', ...entered] = enterNode(platform.testbed.journal, at.leafName, at.node, ['net'])
  const program = spawn(file, [...entered, process.execPath, '-e', listener(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(program.stdout, 'data')
    await makeTunnels()
    await eventually('the ClusterNode says which port is taken, and by whom', async () => {
      const { status, reason, message = '' } = (await applied(platform, at)) ?? {}
      if (status === 'False' && reason === 'PortTaken' && message.includes(`UDP port ${port} of vx-bridge is taken by`))
        return true
      throw new Error(`${status} ${reason} ${message}`)
    })
    await isTold(platform, at, 'NotApplied', `UDP port ${port} of vx-bridge is taken`)
    await eventually('link check names the node and the port', async () => {
      const { code, checks } = await linkCheck(platform)
      const problems = checks.filter(({ status }) => status === 'problem')
      const isNamed = problems.some(({ what }) => what.includes(at.node) && what.includes(`UDP port ${port}`))
      if (code === 1 && isNamed) return true
      throw new Error(JSON.stringify(problems))
    })
  } finally {
    const ended = once(program, 'exit')
    program.kill('SIGKILL')
    await ended
  }
  await eventually('the node has its tunnels', async () => (await applied(platform, at))?.status === 'True')
  await nothingIsWrong(platform)
  assert.equal((await applied(platform, at))?.reason, 'Applied')
}

async function applied({ root }: Platform, { leafName, node }: Place) {
  const found = await root.get(clusterNodes, { name: clusterNodeName(leafName, node) })
  return found?.status?.conditions?.find(({ type }) => type === 'Applied')
}
