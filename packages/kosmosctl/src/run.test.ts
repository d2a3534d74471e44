import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ran } from './failing.fixture.ts'
import { JoinRefused } from './join/look.ts'
import { errorText } from './run.ts'
import { Failure } from './terminal/failure.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

function kosmosctl(...args: string[]) {
  const env = { ...process.env, KUBECONFIG: '/does/not/exist', KOSMOS_DEBUG: '' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env })
  return { status, stdout, stderr }
}

describe('kosmosctl', () => {
  it('ends with 0 when it was asked for help or its version', () => {
    assert.equal(kosmosctl('--help').status, 0)
    const { status, stdout } = kosmosctl('version', '--client', '-o', 'json')
    assert.equal(status, 0)
    assert.match(JSON.parse(stdout).kosmosctl, /^\d+\.\d+\.\d+/)
  })

  it('has help for a command of several words', async () => {
    for (const words of [
      ['help', 'link', 'check'],
      ['link', 'help', 'check'],
      ['link', 'check', '--help'],
    ]) {
      const { code, stdout, stderr } = await ran(words)
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /^Usage: kosmosctl link check \[options\]/)
    }
    assert.match((await ran(['help'])).stdout, /^Usage: kosmosctl \[options\] \[command\]/)
  })

  it('prints its own version first, and ends with 1, when the root cannot be asked for its', () => {
    const { status, stdout, stderr } = kosmosctl('version', '--kubeconfig', '/does/not/exist', '-o', 'json')
    assert.equal(status, 1)
    assert.deepEqual(Object.keys(JSON.parse(stdout)), ['kosmosctl', 'node'])
    assert.match(stderr, /^error: \/does\/not\/exist cannot be read: ENOENT\nnext: {2}\S/)
  })

  it('ends with 2 and says why when the command line is wrong', async () => {
    for (const [args, why] of [
      [[], /Usage/],
      [['help', 'fly'], /^error: unknown command 'fly'\n\(kosmosctl --help\)\n$/],
      [['help', 'link', 'fly'], /^error: unknown command 'fly'\n\(kosmosctl link --help\)\n$/],
      [['fly'], /unknown command.*\n\(kosmosctl --help\)/],
      [['link', 'trace', 'a'], /missing required argument.*\n\(kosmosctl link trace --help\)/],
      [['join', 'leaf1', '--kubeconfig', 'x', '--no-tree'], /say --link/],
      [['join', 'leaf1', '--kubeconfig', 'x', '--tunnel', 'ipsec'], /say --link/],
      [['get', 'clouds'], /"clouds" is nothing .*\nnext: .*clusters, virtualnodes, pods, orphans/],
      [['get', 'pod/a', 'b'], /next: {2}write pod\/a pod\/b/],
      [['explain', 'pod'], /which pod\?\nnext: {2}kosmosctl explain pod NAME/],
      [['explain', 'pod/a', 'b'], /next: {2}write pod\/a pod\/b/],
      [['explain', 'pods', 'shop/a'], /is no name of a pod\nnext: {2}kosmosctl explain pod NAME -n NAMESPACE/],
      [['explain', 'daemonset/a'], /"daemonset" is nothing .*\nnext: .*deployment/],
      [['join', 'leaf1'], /--kubeconfig <file>/],
      [['join', 'leaf1', '--kubeconfig', 'x', '--model', 'all'], /Allowed choices are cluster, node, group/],
      [['join', 'leaf1', '--kubeconfig', 'x', '--model', 'group'], /needs groups\nnext: .*--group NAME=SELECTOR/],
      [['join', 'leaf1', '--kubeconfig', 'x', '--model', 'cluster', '--node-selector', 'a'], /is for --model node/],
      [['join', 'leaf1', '--kubeconfig', 'x', '--node-selector', 'a=b=c'], /label selector "a=b=c"/],
      [['join', 'leaf1', '--kubeconfig', 'x', '--group', 'gpu'], /NAME=SELECTOR/],
      [['join', 'leaf1', '--kubeconfig', 'x', '--group', 'a=x', '--group', 'b=y'], /both of the groups "a" and "b"/],
      [['unjoin'], /missing required argument/],
      [['unjoin', 'leaf1', '--timeout', 'soon'], /90s, 2m/],
      [['get', 'pods', '-o', 'xml'], /Allowed choices/],
      [['delete', 'orphans'], /NAMESPACE\/NAME, or say --all/],
      [['delete', 'orphans', 'web', '--all'], /NAMESPACE\/NAME, or say --all/],
      [['delete', 'orphans', 'web'], /"web" is not NAMESPACE\/NAME/],
      [['delete', 'pods', 'default/web'], /Allowed choices/],
    ] as const) {
      const { code, stdout, stderr } = await ran(args)
      assert.equal(code, 2, args.join(' '))
      assert.equal(stdout, '')
      assert.match(stderr, why)
    }
  })

  it('bears a reader that has seen enough, and says when its result cannot be written', () => {
    const into = (sink: string) =>
      spawnSync('sh', ['-c', `"$0" "$1" install --dry-run -o json --image i ${sink}`, process.execPath, main], {
        encoding: 'utf8',
      })
    const seen = into('| head -c 1')
    assert.deepEqual([seen.stdout, seen.stderr], ['[', ''])
    const { status, stderr } = into('> /dev/full')
    assert.equal(status, 1)
    assert.match(stderr, /^error: the result cannot be written: ENOSPC[^\n]*\n$/)
  })

  it('ends with 1, a cause and a next step, without a stack, when it cannot do what it should', () => {
    const { status, stdout, stderr } = kosmosctl('get', 'clusters', '--kubeconfig', '/does/not/exist')
    assert.equal(status, 1)
    assert.equal(stdout, '')
    assert.deepEqual(stderr.split('\n').length, 3)
    assert.match(stderr, /^error: \/does\/not\/exist cannot be read: ENOENT\nnext: {2}\S/)
  })

  it('prints manifests for the root without asking it', () => {
    const { status, stdout } = kosmosctl('install', '--dry-run', '--image', 'registry.example/kosmos:1')
    assert.equal(status, 0)
    assert.match(stdout, /image: registry.example\/kosmos:1/)
  })
})

describe('the text of an error', () => {
  it('lists every problem of a refused join with its fix', () => {
    const error = new JoinRefused('leaf1', [
      { id: 'a', verdict: { status: 'problem', what: 'too old', fix: 'upgrade' } },
      { id: 'b', verdict: { status: 'ok', what: 'fine' } },
      { id: 'c', verdict: { status: 'problem', what: 'no rights', fix: 'ask' } },
    ])
    assert.equal(
      errorText(error, false),
      [
        'error: "leaf1" was not joined, nothing was changed: 2 problems',
        '  - too old',
        '    fix: upgrade',
        '  - no rights',
        '    fix: ask',
      ].join('\n'),
    )
  })

  it('has a stack and its causes only for debugging', () => {
    const error = new Failure('this', { next: 'that', cause: new Error('deeper') })
    assert.equal(errorText(error, false), 'error: this\nnext:  that')
    assert.match(errorText(error, true), /run\.test\.ts[\s\S]*caused by:[\s\S]*deeper/)
  })
})
