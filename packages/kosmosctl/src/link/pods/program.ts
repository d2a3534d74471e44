/**
 * What runs in check pods, in the image of the agent: Node and fping are there, nothing else is needed. Text, because it
 * is handed over in a manifest.
 */

export const port = 8080

/** Answers every question with the address that it came from; and what is poured into it with how fast it came. */
export const answering = `
const now = () => Number(process.hrtime.bigint())
require('node:http').createServer((request, response) => {
  if (request.method !== 'POST') return response.end(request.socket.remoteAddress)
  let [bytes, first] = [0]
  request.on('data', (part) => {
    first ??= now()
    bytes += part.length
  })
  request.on('end', () => response.end(JSON.stringify({ bitsPerSecond: first ? Math.round((8e9 * bytes) / (now() - first)) : 0 })))
}).listen(${port}, '::')
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

/** Pours as much as goes into the targets in \$TARGETS, one after the other, and prints a line for each. */
export const pouring = `
const http = require('node:http')
const block = Buffer.alloc(262144)
const pour = ({ address, port }) => new Promise((resolve) => {
  const options = { host: address, port, method: 'POST', timeout: 10000 }
  const request = http.request(options, (response) => {
    let text = ''
    response.on('data', (part) => (text += part)).on('end', () => resolve({ works: true, ...JSON.parse(text) }))
  })
  request.on('timeout', () => request.destroy(new Error('no answer')))
  request.on('error', (error) => resolve({ works: false, why: error.code ?? error.message }))
  const until = Date.now() + 3000
  const fill = () => {
    while (Date.now() < until) if (!request.write(block)) return request.once('drain', fill)
    request.end()
  }
  fill()
})
async function main() {
  for (const target of JSON.parse(process.env.TARGETS)) {
    console.log('RESULT ' + JSON.stringify({ ...target, ...(await pour(target)) }))
  }
}
main()
`

/**
 * Reads the counters of the agent at \$HOST_IP and \$PORT, and again after \$SECONDS, with the token in \$TOKEN_FILE. The agent's
 * certificate is its own and cannot be verified: what listens there can have the token, which reads metrics and ends with the pod.
 */
export const counting = `
const { readFileSync } = require('node:fs')
const read = () => new Promise((resolve, reject) => {
  const authorization = 'Bearer ' + readFileSync(process.env.TOKEN_FILE, 'utf8').trim()
  const where = { host: process.env.HOST_IP, port: process.env.PORT, path: '/metrics', timeout: 10000 }
  const request = require('node:https').get({ ...where, rejectUnauthorized: false, headers: { authorization } }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part) => (text += part)).on('error', reject).on('end', () => {
      if (response.statusCode !== 200) return reject(new Error('the agent answers ' + response.statusCode))
      resolve(text.split('\\n').filter((line) => /^kosmos_link_(tunnel|firewall)_/.test(line)))
    })
  })
  request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer')))
})
async function main() {
  const before = await read()
  await new Promise((resolve) => setTimeout(resolve, 1000 * process.env.SECONDS))
  console.log('RESULT ' + JSON.stringify({ before, after: await read() }))
}
main().catch((error) => {
  console.log('the agent on the node does not say what it has counted: ' + (error.cause?.message ?? error.message))
  process.exit(1)
})
`
