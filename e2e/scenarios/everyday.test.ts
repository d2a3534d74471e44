import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type CoreEvent, coreEvents, type Pod, pods } from '@kosmos/kube'
import { imageNames } from '@kosmos/testbed'
import { deployment, pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const namespace = 'default'
const isRoot = process.getuid?.() === 0
const SLEEP = ['sh', '-c', 'sleep 3600']

describe('everyday use of pods whose leaf has real nodes', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  const kubectl = (...args: string[]) => platform.kubectl(args)
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await kubectl(...args)
    assert.equal(code, 0, stderr)
    return stdout
  }
  const inRoot = (name: string) => platform.root.get(pods, { namespace, name })
  const inLeaf = (name: string) => platform.leaves[0]?.get(pods, { namespace, name })
  const ready = (name: string) => done('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=240s')
  const ended = (name: string) =>
    eventually(`${name} has ended`, async () => {
      const seen = await inRoot(name)
      return seen?.status?.phase === 'Failed' && seen
    })
  const gone = async (name: string) => {
    await eventually(`${name} is gone`, async () => !(await inRoot(name)))
    assert.equal(await inLeaf(name), undefined, 'and its copy before it')
  }
  const ofApp = (app: string) => platform.root.listAll(pods, { namespace, labelSelector: `app=${app}` })

  before(async () => {
    platform = await startPlatform('everyday', { leaves: 1, nodes: 'real:1' })
  })
  after(() => platform?.down())

  describe('a pod', () => {
    before(async () => {
      const service = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'family', namespace },
        spec: { clusterIP: 'None', selector: { app: 'named' } },
      }
      const serve = ['sh', '-c', 'httpd -p 8080 -h /etc; sleep 3600']
      const named = {
        hostname: 'first',
        subdomain: 'family',
        setHostnameAsFQDN: true,
        hostAliases: [{ ip: '192.0.2.9', hostnames: ['alias.example'] }],
      }
      const stated = {
        dnsPolicy: 'None',
        dnsConfig: {
          nameservers: ['192.0.2.53'],
          searches: ['example.com'],
          options: [{ name: 'ndots', value: '3' }, { name: 'edns0' }],
        },
      }
      const onHost = { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }
      await platform.apply(
        service,
        pod('named', {
          container: { command: serve, ports: [{ containerPort: 8080, hostPort: 18080 }] },
          spec: named,
        }),
        pod('stated', { container: { command: SLEEP }, spec: stated }),
        pod('added', { container: { command: SLEEP }, spec: { dnsConfig: { searches: ['more.example'] } } }),
        pod('on-host', { container: { command: SLEEP }, spec: onHost }),
      )
      for (const name of ['named', 'stated', 'added', 'on-host']) await ready(name)
    })

    const says = (name: string, script: string) => done('exec', name, '--', 'sh', '-c', script)

    it('has the name that it asks for, which others resolve by its Service', async () => {
      const fqdn = 'first.family.default.svc.cluster.local'
      assert.equal(await says('named', 'hostname; hostname -f'), `${fqdn}\n${fqdn}\n`)
      const { podIP = '' } = (await inRoot('named'))?.status ?? {}
      assert.match(await says('named', 'cat /etc/hosts'), new RegExp(`${podIP}\\s+${fqdn}\\s+first`))
      assert.match(await says('named', 'cat /etc/hosts'), /192\.0\.2\.9\s+alias\.example/)
      await eventually('it is resolved', async () =>
        (await kubectl('exec', 'added', '--', 'nslookup', fqdn)).stdout.includes(podIP),
      )
    })

    it('asks the name servers that it states, and no others', async () => {
      assert.equal(
        (await says('stated', 'cat /etc/resolv.conf')).trim(),
        'search example.com\nnameserver 192.0.2.53\noptions ndots:3 edns0',
      )
    })

    it('looks where its leaf does, and where it says besides, also on the network of its node', async () => {
      const search = 'search default.svc.cluster.local svc.cluster.local cluster.local'
      const [usual, added] = [await says('named', 'cat /etc/resolv.conf'), await says('added', 'cat /etc/resolv.conf')]
      assert.match(usual, new RegExp(`^${search}$`, 'm'))
      assert.equal(added, usual.replace(search, `${search} more.example`))
      assert.equal(await says('on-host', 'cat /etc/resolv.conf'), usual)
    })

    it('has the name and the addresses of the node that it is on when it uses its network', async () => {
      const { status } = (await inRoot('on-host')) ?? assert.fail()
      assert.equal(status?.podIP, status?.hostIP)
      assert.equal((await says('on-host', 'hostname')).trim(), (await inLeaf('on-host'))?.spec.nodeName)
    })

    it('finds in variables and files what the root says of it, and its labels when they have changed', async () => {
      const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
      const env = [
        { name: 'FIRST', value: 'one' },
        { name: 'SECOND', value: '$(FIRST) and $(LATER), not $$(FIRST)' },
        { name: 'LATER', value: 'two' },
        field('NODE', 'spec.nodeName'),
        field('POD_UID', 'metadata.uid'),
        field('ACCOUNT', 'spec.serviceAccountName'),
        field('ADDRESS', 'status.podIP'),
        field('APP', "metadata.labels['app']"),
        { name: 'MILLICPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
      ]
      const items = [
        { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
        { path: 'uid', fieldRef: { fieldPath: 'metadata.uid' } },
      ]
      const volumeMounts = [{ name: 'self', mountPath: '/self' }]
      const container = { command: SLEEP, env, volumeMounts, resources: { limits: { cpu: '250m' } } }
      await platform.apply(
        pod('mirrored', { container, spec: { volumes: [{ name: 'self', downwardAPI: { items } }] } }),
      )
      await ready('mirrored')
      const { metadata, spec, status } = (await inRoot('mirrored')) ?? assert.fail()
      const variables = (await says('mirrored', 'env')).split('\n')
      for (const expected of [
        'SECOND=one and $(LATER), not $(FIRST)',
        `NODE=${spec.nodeName}`,
        `POD_UID=${metadata.uid}`,
        'ACCOUNT=default',
        `ADDRESS=${status?.podIP}`,
        'APP=mirrored',
        'MILLICPU=250',
      ])
        assert.ok(variables.includes(expected), `${expected} is not in ${variables}`)
      assert.equal(await says('mirrored', 'cat /self/uid'), metadata.uid)
      assert.match(await says('mirrored', 'cat /self/labels'), /^app="mirrored"$/m)
      await done('label', 'pod', 'mirrored', 'app=changed', '--overwrite')
      await eventually('the file follows', async () =>
        /^app="changed"$/m.test(await says('mirrored', 'cat /self/labels')),
      )
    })

    it('is reached at its port of the node', async () => {
      const { hostIP } = (await inRoot('named'))?.status ?? {}
      const get = `printf 'GET /hostname HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${hostIP} 18080`
      await eventually('it answers', async () =>
        (await kubectl('exec', 'added', '--', 'sh', '-c', get)).stdout.includes('first.family'),
      )
    })
  })

  describe('kubectl', () => {
    before(async () => {
      const initContainers = [{ name: 'before', image: imageNames.busybox, command: ['echo', 'at first'] }]
      await platform.apply(
        deployment('web', 2, {
          container: { command: ['sh', '-c', 'echo hello; sleep 3600'] },
          spec: { initContainers },
        }),
      )
      await done('rollout', 'status', 'deployment/web', '--timeout=120s')
    })

    it('logs shows all containers of all pods of a selector', async () => {
      const said = await done('logs', '-l', 'app=web', '--all-containers', '--prefix')
      assert.deepEqual(
        said
          .trim()
          .split('\n')
          .map((line) => line.replace(/^\[pod\/[^/]*\/(\w+)\]/, '$1'))
          .sort(),
        ['before at first', 'before at first', 'main hello', 'main hello'],
      )
    })

    it('rollout restarts and undoes', async () => {
      const uids = async () => (await ofApp('web')).map(({ metadata }) => metadata.uid)
      for (const command of ['restart', 'undo']) {
        const before = await uids()
        await done('rollout', command, 'deployment/web')
        await done('rollout', 'status', 'deployment/web', '--timeout=120s')
        await eventually('all are others', async () => {
          const after = await uids()
          return after.length === 2 && !after.some((uid) => before.includes(uid))
        })
      }
    })

    it('debugs a copy of a pod, and twice the pod itself', async () => {
      const [one] = await ofApp('web')
      const name = one?.metadata.name ?? assert.fail()
      const image = `--image=${imageNames.busybox}`
      const sleep = ['--', 'sleep', '3600']
      await done('debug', name, '--copy-to=copied', '--share-processes', '--container=looker', image, ...sleep)
      await ready('copied')
      assert.match(await done('exec', 'copied', '-c', 'looker', '--', 'ps'), /sleep 3600[\s\S]*sleep 3600/)
      for (const container of ['first', 'second']) {
        await done('debug', name, `--container=${container}`, image, '--', 'echo', container)
      }
      await eventually('both have looked', async () => {
        const said = await Promise.all(['first', 'second'].map((c) => kubectl('logs', name, '-c', c)))
        return said[0]?.stdout === 'first\n' && said[1]?.stdout === 'second\n'
      })
      await done('delete', 'pod', 'copied', '--force', '--grace-period=0')
      await eventually('nothing is left of the copy', async () => !(await inLeaf('copied')))
    })

    it('replaces a pod by force', async () => {
      const manifest = pod('replaced', { container: { command: SLEEP } })
      await platform.apply(manifest)
      await ready('replaced')
      const before = await inRoot('replaced')
      const { code, stderr } = await platform.kubectl(['replace', '--force', '-f', '-'], JSON.stringify(manifest))
      assert.equal(code, 0, stderr)
      await ready('replaced')
      assert.notEqual((await inRoot('replaced'))?.metadata.uid, before?.metadata.uid)
    })

    it('deletes owners and leaves their pods, which run on', async () => {
      const facts = async () =>
        (await ofApp('web')).map(({ metadata, status }) => [metadata.uid, status?.containerStatuses?.[0]?.containerID])
      const before = await facts()
      await done('delete', 'deployment', 'web', '--cascade=orphan')
      await done('delete', 'replicaset', '-l', 'app=web', '--cascade=orphan')
      await eventually('they are nobody’s', async () =>
        (await ofApp('web')).every(({ metadata }) => !metadata.ownerReferences?.length),
      )
      assert.deepEqual(await facts(), before)
      await done('delete', 'pod', '-l', 'app=web', '--timeout=60s')
    })
  })

  describe('a pod that goes', () => {
    it('without any grace is gone when it is deleted', async () => {
      const spec = { terminationGracePeriodSeconds: 0 }
      await platform.apply(pod('graceless', { container: { command: SLEEP }, spec }))
      await ready('graceless')
      await done('delete', 'pod', 'graceless', '--timeout=60s')
      // The API server waits for nobody then, so the copy goes after it.
      await eventually('nothing is left', async () => !(await inRoot('graceless')) && !(await inLeaf('graceless')))
    })

    it('had its sidecar before its containers, and has it after them, with the hooks in their places', async () => {
      const then = (what: string) => `echo ${what} >>/shared/order`
      const live = (name: string, last: string) =>
        `trap '${then(`${name} ends`)}; ${last}' TERM; ${then(name)}; while sleep 0.1; do :; done`
      const run = (script: string) => ({ command: ['sh', '-c', script] })
      const volumeMounts = [{ name: 'shared', mountPath: '/shared' }]
      const beside = {
        name: 'beside',
        image: imageNames.busybox,
        restartPolicy: 'Always',
        // What a container leaves as its message is in the status of the pod.
        ...run(live('sidecar', 'cat /shared/order >/dev/termination-log; exit')),
        startupProbe: { exec: { command: ['grep', 'sidecar', '/shared/order'] }, periodSeconds: 1 },
        volumeMounts,
      }
      const lifecycle = {
        postStart: { exec: run(`until grep main /shared/order; do sleep 0.1; done; ${then('postStart')}`) },
        preStop: { exec: run(then('preStop')) },
      }
      const { metadata, ...parts } = pod('surrounded', {
        container: { ...run(live('main', 'exit')), lifecycle, volumeMounts },
        spec: {
          initContainers: [beside],
          volumes: [{ name: 'shared', emptyDir: {} }],
          terminationGracePeriodSeconds: 60,
        },
      })
      await platform.apply({ ...parts, metadata: { ...metadata, finalizers: ['example.com/keep'] } })
      await ready('surrounded')
      const sidecar = async () => (await inRoot('surrounded'))?.status?.initContainerStatuses?.[0]
      const { ready: isReady, started } = (await sidecar()) ?? assert.fail()
      assert.deepEqual({ isReady, started }, { isReady: true, started: true })
      await done('delete', 'pod', 'surrounded', '--wait=false')
      const { message } = await eventually('its sidecar has ended', async () => (await sidecar())?.state?.terminated)
      assert.equal(message, 'sidecar\nmain\npostStart\npreStop\nmain ends\nsidecar ends\n')
      await done('patch', 'pod', 'surrounded', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
      await gone('surrounded')
    })

    it('while its image is pulled is gone all the same', async () => {
      await platform.apply(pod('pulling', { container: { image: 'registry.invalid/none:1' } }))
      await eventually('its copy has a node', async () => (await inLeaf('pulling'))?.spec.nodeName)
      await done('delete', 'pod', 'pulling', '--timeout=240s')
      await gone('pulling')
    })

    it('because its time is up says so', async () => {
      const spec = { activeDeadlineSeconds: 1 }
      await platform.apply(pod('late', { container: { command: SLEEP }, spec }))
      assert.equal((await ended('late')).status?.reason, 'DeadlineExceeded')
    })

    it('and is kept by a finalizer has ended, runs nowhere, and is gone with the finalizer, however often it is deleted', async () => {
      const { metadata, ...parts } = pod('kept', { container: { command: SLEEP } })
      await platform.apply({ ...parts, metadata: { ...metadata, finalizers: ['example.com/keep'] } })
      await ready('kept')
      await done('delete', 'pod', 'kept', '--wait=false')
      await ended('kept')
      await eventually('nothing is left in the leaf', async () => !(await inLeaf('kept')))
      await done('delete', 'pod', 'kept', '--wait=false')
      await done('delete', 'pod', 'kept', '--wait=false', '--force', '--grace-period=0')
      assert.equal((await inRoot('kept'))?.status?.phase, 'Failed')
      await done('patch', 'pod', 'kept', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
      await gone('kept')
    })
  })

  it('shows each Event of the leaf once, also when our process is killed meanwhile', async () => {
    const readinessProbe = { exec: { command: ['false'] }, periodSeconds: 1 }
    await platform.apply(pod('ailing', { container: { command: SLEEP, readinessProbe } }))
    const { metadata } = await eventually('it runs', async () => {
      const seen: Pod | undefined = await inRoot('ailing')
      return seen?.status?.phase === 'Running' && seen
    })
    const told = async () => {
      const all = await platform.root.listAll(coreEvents, { namespace })
      return all.filter(({ involvedObject }) => involvedObject.uid === metadata.uid)
    }
    const counted = ({ reason, count = 0 }: CoreEvent) => (reason === 'Unhealthy' ? count : 0)
    const count = async () => Math.max(0, ...(await told()).map(counted))
    const names = (events: readonly CoreEvent[]) => events.map(({ reason }) => reason).sort()
    await eventually('its probe has failed more than once', async () => (await count()) > 1)
    const before = await told()
    const counts = await count()
    await platform.killClusterTree()
    await platform.startClusterTree()
    await eventually('it is told on', async () => (await count()) > counts)
    assert.deepEqual(names(await told()), names(before))
  })
})
