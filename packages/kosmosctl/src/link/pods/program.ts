/**
 * What runs in check pods, in the image of the agent: Node and fping are there, nothing else is needed. Text, because it
 * is handed over in a manifest.
 */

export const port = 8080

/** Answers every question with the address that it came from. */
export const answering = `
require('node:http').createServer((request, response) => response.end(request.socket.remoteAddress)).listen(${port}, '::')
process.on('SIGTERM', () => process.exit(0))
`

/** Tries the targets in \$TARGETS, and prints a line for each. */
export const asking = `
const { execFile } = require('node:child_process')
const { readFileSync, readdirSync } = require('node:fs')
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const url = ({ address, port }) => 'http://' + (address.includes(':') ? '[' + address + ']' : address) + ':' + port + '/'
async function http(target) {
  let why
  for (let i = 0; i < 6; i++) {
    try {
      const response = await fetch(url(target), { signal: AbortSignal.timeout(3000) })
      return { works: true, seenAs: (await response.text()).replace(/^::ffff:/, '') }
    } catch (error) {
      why = String(error.cause?.code ?? error.cause?.message ?? error.message)
      await sleep(500)
    }
  }
  return { works: false, why }
}
const ownMtu = () => Math.min(...readdirSync('/sys/class/net').filter((name) => name === 'eth0').map((name) => Number(readFileSync('/sys/class/net/' + name + '/mtu'))), 65535)
function large({ address, mtu }) {
  const size = Math.min(mtu, ownMtu())
  const args = ['-M', '-b', String(size - (address.includes(':') ? 48 : 28)), '-c', '3', '-p', '200', '-t', '2000', address]
  return new Promise((resolve) => execFile('fping', args, (error, stdout, stderr) => {
    const works = / bytes, /.test(stdout)
    resolve({ works, size, ...(!works && { why: (error?.code === 'ENOENT' ? 'no fping in the image' : stderr.trim().split('\\n')[0] || 'no answer') }) })
  }))
}
async function main() {
  const targets = JSON.parse(process.env.TARGETS)
  await Promise.all(targets.map(async (target) => {
    const result = await (target.mtu ? large(target) : http(target))
    console.log('RESULT ' + JSON.stringify({ ...target, ...result }))
  }))
}
main()
`
