import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { haveSameServer, KubeConfigError, type KubeConfigSource, loadKubeConfig } from './kubeconfig.ts'
import { createTransport } from './transport.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'kosmos-kubeconfig-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string): string {
  const place = path.join(folder, name)
  writeFileSync(place, content)
  return place
}

interface Parts {
  readonly cluster?: object
  readonly user?: object
  readonly context?: object
  readonly current?: string
}

const secret = 'hunter2-the-secret'

/** A kubeconfig beside levels of which each stands for ten of the one before. */
function aliased(levels: number): string {
  const level = (n: number) => `- &a${n} [${Array(10).fill(n === 0 ? 'x' : `*a${n - 1}`)}]`
  const rest = Object.entries(JSON.parse(kubeconfig())).map(([field, value]) => `${field}: ${JSON.stringify(value)}`)
  return ['levels:', ...Array.from({ length: levels }, (_, n) => level(n)), ...rest].join('\n')
}

function kubeconfig({ cluster, user, context, current = 'prod' }: Parts = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...cluster } }],
    users: [{ name: 'u', user: user ?? { token: secret } }],
    contexts: [
      { name: 'prod', context: { cluster: 'c', user: 'u', ...context } },
      { name: 'test', context: { cluster: 'c', user: 'u' } },
    ],
    'current-context': current,
  })
}

function refusal(source: KubeConfigSource): KubeConfigError {
  try {
    loadKubeConfig(source)
  } catch (error) {
    assert.ok(error instanceof KubeConfigError, `not a KubeConfigError: ${error}`)
    assert.doesNotMatch(`${error.message} ${error.stack} ${error.cause}`, new RegExp(secret))
    return error
  }
  assert.fail('the kubeconfig was accepted')
}

describe('a kubeconfig', () => {
  it('is taken as text or file, in YAML or JSON, with its current context or the one asked for', () => {
    const yaml =
      'clusters: [{name: c, cluster: {server: "https://10.0.0.1"}}]\nusers: [{name: u, user: {token: t}}]\ncontexts: [{name: only, context: {cluster: c, user: u}}]\n'
    assert.equal(loadKubeConfig({ text: yaml }).getCurrentContext(), 'only')
    assert.equal(loadKubeConfig({ text: kubeconfig() }).getCurrentContext(), 'prod')
    assert.equal(loadKubeConfig({ text: kubeconfig(), context: 'test' }).getCurrentContext(), 'test')
    assert.equal(loadKubeConfig({ file: file('config', kubeconfig()) }).getCurrentContext(), 'prod')
    assert.equal(loadKubeConfig({ text: aliased(1) }).getCurrentContext(), 'prod')
  })

  it('is found by $KUBECONFIG or in the home folder, and its absence is not a server at localhost', (t) => {
    const { KUBECONFIG, HOME } = process.env
    t.after(() => {
      for (const [name, value] of Object.entries({ KUBECONFIG, HOME })) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    })
    process.env.KUBECONFIG = file('default', kubeconfig())
    assert.equal(loadKubeConfig().getCurrentContext(), 'prod')
    process.env.KUBECONFIG = path.join(folder, 'absent')
    assert.equal(refusal({}).message, `${process.env.KUBECONFIG} cannot be read: ENOENT`)
    process.env.KUBECONFIG = [path.join(folder, 'absent'), path.join(folder, 'default')].join(path.delimiter)
    assert.equal(loadKubeConfig().getCurrentContext(), 'prod')
    const withToken = kubeconfig({ user: { tokenFile: 'token' } })
    process.env.KUBECONFIG = file('with-token', withToken)
    const { authProvider } = loadKubeConfig().getCurrentUser() ?? {}
    assert.deepEqual(authProvider?.config, { tokenFile: path.join(folder, 'token') }, 'as from a file that is named')
    process.env.KUBECONFIG = file('odd', kubeconfig({ user: { as: 'alice\n' } }))
    assert.match(refusal({}).message, /user "u": as is not/)
    process.env.KUBECONFIG = file('contextless', kubeconfig({ current: 'gone' }))
    assert.match(refusal({}).message, /^\S+\/contextless has no context "gone", which is its current-context/)
    process.env.KUBECONFIG += `${path.delimiter}${path.join(folder, 'absent')}`
    assert.match(refusal({}).message, /^\S+\/contextless, \S+\/absent has no context "gone"/)
    delete process.env.KUBECONFIG
    process.env.HOME = path.join(folder, 'home')
    // Within a pod its ServiceAccount comes last.
    if (!existsSync('/var/run/secrets/kubernetes.io/serviceaccount/token'))
      assert.match(
        refusal({}).message,
        /there is no kubeconfig at \S+\/home\/.kube\/config: name a file, set KUBECONFIG, or create ~\/.kube\/config/,
      )
    mkdirSync(path.join(folder, 'home', '.kube'), { recursive: true })
    file('home/.kube/config', kubeconfig())
    assert.equal(loadKubeConfig().getCurrentContext(), 'prod')
  })

  it('refers to files beside it by relative paths', () => {
    const source = kubeconfig({
      cluster: { 'certificate-authority': 'ca.crt' },
      user: { 'client-certificate': 'me.crt', 'client-key': '/abs/me.key' },
    })
    const config = loadKubeConfig({ file: file('relative', source) })
    assert.equal(config.getCurrentCluster()?.caFile, path.join(folder, 'ca.crt'))
    assert.equal(config.getCurrentUser()?.certFile, path.join(folder, 'me.crt'))
    assert.equal(config.getCurrentUser()?.keyFile, '/abs/me.key')
  })

  it('that cannot be used is refused with what to change', () => {
    const text = kubeconfig
    const cases: readonly (readonly [KubeConfigSource, RegExp])[] = [
      [{ file: path.join(folder, 'nowhere') }, /nowhere cannot be read: ENOENT/],
      [{ text: '' }, /not a valid kubeconfig/],
      [{ text: '{"clusters":' }, /not a valid kubeconfig/],
      [{ text: 'just text' }, /not a valid kubeconfig/],
      [{ text: text(), context: 'prd' }, /has no context "prd"; it has: prod, test/],
      [{ text: text({ current: 'gone' }) }, /has no context "gone", which is its current-context; it has: prod, test/],
      [{ text: text({ current: '' }) }, /set current-context or name a context; it has: prod, test/],
      [{ text: '{"clusters":[],"users":[],"contexts":[]}' }, /it has: none/],
      [
        { text: text({ context: { cluster: 'other' } }) },
        /context "prod" refers to cluster "other", which is not there/,
      ],
      [{ text: text({ context: { user: 'other' } }) }, /context "prod" refers to user "other", which is not there/],
      [{ text: text({ context: { user: undefined } }) }, /context "prod" names no user/],
      [{ text: text({ cluster: { server: '10.0.0.1:6443' } }) }, /cluster "c" has no valid server URL/],
      [{ text: text({ cluster: { server: 'ftp://x' } }) }, /cluster "c" has no valid server URL/],
      [{ text: text({ cluster: { server: 'http://10.0.0.1' } }) }, /cluster "c" is not reached by https/],
      [{ text: text({ cluster: { 'proxy-url': 'proxy:3128' } }) }, /cluster "c" has no valid proxy-url/],
      [{ text: text({ cluster: { 'proxy-url': 'socks5://:1080' } }) }, /cluster "c" has no valid proxy-url/],
      // Twelve levels would be a trillion, and all of them are written out.
      [{ text: aliased(3) }, /not a valid kubeconfig \(.*at most 8 aliases\)/],
    ]
    for (const [source, message] of cases) assert.match(refusal(source).message, message)
  })

  it('never has its content in an error, wherever it is broken', () => {
    const whole = `users:\n- name: u\n  user:\n    token: "${secret}"\n    password: ${secret}\nclusters: [{name: c}]\n`
    fc.assert(
      fc.property(fc.nat({ max: whole.length }), fc.constantFrom('', '{', '\t', '"', ': :', '- -'), (at, noise) => {
        refusal({ text: whole.slice(0, at) + noise + whole.slice(at) })
        refusal({ text: whole.slice(0, at) + noise })
      }),
    )
  })
})

/** A kubeconfig with an odd value at one of its places. */
const odd = fc
  .tuple(
    fc.constantFrom(
      [],
      ...['clusters', 'users', 'contexts', 'current-context'].map((field) => [field]),
      ...['clusters', 'users', 'contexts'].flatMap((list) => [
        [list, 0],
        [list, 0, 'name'],
        [list, 0, list.slice(0, -1)],
      ]),
      ...['server', 'proxy-url', 'tls-server-name', 'certificate-authority-data', 'insecure-skip-tls-verify'].map(
        (field) => ['clusters', 0, 'cluster', field],
      ),
      ...[
        ...['token', 'tokenFile', 'username', 'password', 'client-certificate-data', 'client-key-data', 'exec'],
        ...['auth-provider', 'as', 'as-groups', 'as-user-extra'],
      ].map((field) => ['users', 0, 'user', field]),
      ...['cluster', 'user'].map((field) => ['contexts', 0, 'context', field]),
    ),
    fc.oneof(
      fc.constantFrom(
        '',
        'http://',
        'https://[::1',
        'socks5://h:99999',
        'ftp://x',
        'https://a:b@h',
        'eA==',
        '__proto__',
      ),
      fc.string(),
      fc.jsonValue({ maxDepth: 2 }),
    ),
  )
  .map(([place, value]) => {
    const document = JSON.parse(kubeconfig({ user: {} }))
    const last = place.at(-1)
    if (last === undefined) return value
    const holder = place.slice(0, -1).reduce((at, key) => at[key], document)
    holder[last] = value
    return document
  })

describe('a kubeconfig that comes out of the API', () => {
  it('is refused where a URL or a name is what cannot be made text', () => {
    const textless = { toString: null }
    for (const field of ['cluster', 'user']) refusal({ text: kubeconfig({ context: { [field]: textless } }) })
    refusal({ text: kubeconfig().replace('"test"', JSON.stringify(textless)) })
    refusal({ text: kubeconfig().replace(/"prod"(?=}$)/, JSON.stringify(textless)) })
    for (const field of ['server', 'proxy-url']) refusal({ text: kubeconfig({ cluster: { [field]: textless } }) })
  })

  it('is taken or refused with what to change, whatever stands where', async () => {
    let taken = 0
    await fc.assert(
      fc.asyncProperty(odd, async (document) => {
        try {
          const config = loadKubeConfig({ text: JSON.stringify(document), selfContained: true })
          const transport = await createTransport(config)
          await transport.close()
          taken++
        } catch (error) {
          assert.ok(error instanceof KubeConfigError, `not a KubeConfigError: ${error}`)
        }
      }),
      { numRuns: 1_000 },
    )
    assert.ok(taken > 100, `${taken}`)
  })

  it('is accepted when it holds everything itself', () => {
    for (const user of [
      { token: secret },
      { username: 'u', password: secret },
      { 'client-certificate-data': 'eA==' },
    ]) {
      assert.ok(loadKubeConfig({ text: kubeconfig({ user }), selfContained: true }))
    }
  })

  it('is refused when it would run a program or read a file of this machine, however that is written', () => {
    const users: readonly object[] = [
      { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', 'true'] } },
      { 'auth-provider': { name: 'gcp', config: { 'cmd-path': 'sh' } } },
      { 'client-certificate': '/etc/passwd', 'client-key': '/etc/passwd' },
      { tokenFile: '/etc/passwd' },
      { 'token-file': '/etc/passwd' },
      { 'token-file': '/etc/passwd', token: secret },
    ]
    for (const user of users) {
      const error = refusal({ text: kubeconfig({ user }), selfContained: true })
      assert.match(error.message, /embed certificates/)
      assert.equal(error.selfContained, false)
    }
    const escaped = kubeconfig({ user: { 'token-file': '/etc/passwd' } }).replace('token-file', 'token\\u002dfile')
    assert.equal(refusal({ text: escaped, selfContained: true }).selfContained, false)
    refusal({ text: kubeconfig({ cluster: { 'certificate-authority': '/etc/passwd' } }), selfContained: true })
  })

  it('never has a file of this machine read, not even for a user that is not asked for', () => {
    const document = JSON.parse(kubeconfig())
    document.users.push({ name: 'spy', user: { 'token-file': file('token', secret) } })
    const config = loadKubeConfig({ text: JSON.stringify(document), selfContained: true })
    assert.doesNotMatch(JSON.stringify(config.getUser('spy')), new RegExp(secret))
  })

  it('is told apart from one that is broken', () => {
    assert.equal(refusal({ text: '{', selfContained: true }).selfContained, true)
  })
})

describe('two kubeconfigs', () => {
  const of = (parts: Parts) => loadKubeConfig({ text: kubeconfig(parts) })
  it('have the same server whoever logs in, and another by its URL, its CA or its proxy', () => {
    const one = of({ cluster: { 'certificate-authority-data': 'QQ==' } })
    const same = of({ cluster: { 'certificate-authority-data': 'QQ==' }, user: { token: 'other' } })
    assert.equal(haveSameServer(one, same), true)
    const others = [
      {},
      { 'certificate-authority-data': 'Qg==' },
      { 'certificate-authority-data': 'QQ==', server: 'https://10.0.0.2:6443' },
      { 'certificate-authority-data': 'QQ==', 'proxy-url': 'http://10.0.0.3:80' },
      { 'certificate-authority-data': 'QQ==', 'tls-server-name': 'api.example' },
    ]
    for (const cluster of others) assert.equal(haveSameServer(one, of({ cluster })), false, JSON.stringify(cluster))
  })
})
