import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { flagsOf, parseOptions, usage } from './options.ts'

const parse = (...args: string[]) => parseOptions(args, { POD_IP: '10.0.0.7', HOSTNAME: 'pod-a' })

describe('the command line', () => {
  it('may be empty in a pod', () => {
    const { identity, ...options } = parse()
    assert.deepEqual(options, {
      kubeconfig: undefined,
      nodeAddress: '10.0.0.7',
      firstKubeletPort: 10250,
      https: { address: '127.0.0.1', port: 9443, tls: undefined, plain: undefined },
      leaderElection: true,
      logLevel: 'info',
    })
    assert.match(identity, /^pod-a-\d+$/)
    // Two machines may have processes of the same id.
    assert.equal(parseOptions([], { POD_IP: '10.0.0.7' }).identity, `${hostname()}-${process.pid}`)
  })

  it('is told again by a running process, every flag of it', () => {
    const flags = flagsOf(parse('--kubelet-port', '0', '--identity', 'me'))
    assert.deepEqual(Object.keys(flags).sort(), [...usage.matchAll(/^ {2}--(\S+)/gm)].map(([, flag]) => flag).sort())
    assert.deepEqual([flags['kubelet-port'], flags.identity, flags.https], ['0', 'me', '127.0.0.1:9443'])
  })

  it('says everything otherwise', () => {
    const args =
      '--kubeconfig f --node-address fd00::1 --kubelet-port 0 --https [::1]:0 --tls-cert-file c --tls-private-key-file k --http 127.0.0.1:9 --leader-election false'
    assert.deepEqual(parse(...args.split(' '), '--identity', 'me', '--log-level', 'debug'), {
      kubeconfig: 'f',
      nodeAddress: 'fd00::1',
      firstKubeletPort: 0,
      https: {
        address: '::1',
        port: 0,
        tls: { certFile: 'c', keyFile: 'k' },
        plain: { address: '127.0.0.1', port: 9 },
      },
      leaderElection: false,
      identity: 'me',
      logLevel: 'debug',
    })
  })

  for (const [problem, args] of Object.entries({
    'a port that is none': ['--kubelet-port', 'ssh'],
    'a port beyond the last': ['--kubelet-port', '65536'],
    'an address without a port': ['--https', '127.0.0.1'],
    'a port without an address': ['--https', ':9443'],
    'an address with a port beyond the last': ['--https', '127.0.0.1:99999'],
    'a certificate without its key': ['--tls-cert-file', 'tls.crt'],
    'metrics without TLS where others reach them': ['--http', '10.0.0.1:80'],
    'a boolean that is none': ['--leader-election', 'maybe'],
    'a log level that is none': ['--log-level', 'loud'],
    'an unknown option': ['--kubeconfg', 'f'],
    'an option without its value': ['--kubeconfig'],
    'an argument that belongs to no option': ['root'],
  })) {
    it(`with ${problem} is refused, with what is wrong and the usage`, () => {
      assert.throws(
        () => parse(...args),
        (error: Error) => {
          const [first = '', ...rest] = error.message.split('\n')
          assert(
            args.some((arg) => first.includes(arg)),
            first,
          )
          assert.equal(rest.join('\n').endsWith(usage), true)
          return true
        },
      )
    })
  }

  it('must say where the kubelet API is reached, outside of a pod', () => {
    assert.throws(() => parseOptions([], {}), /--node-address is needed/)
  })
})
