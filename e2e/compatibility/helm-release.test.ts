import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { persistentVolumeClaims } from '@kosmos/kube'
import { ensureBinaries, imageNames } from '@kosmos/testbed'
import { eventually } from '../platform/platform.ts'
import { type CompatibilityPlatform, startFor } from './platform.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
const namespace = 'shop'

/** A chart as people write them: it knows nothing of Kosmos. */
const templates = {
  'configuration.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {word: {{ .Values.word | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: {{ .Values.password | quote }}}
`,
  'web.yaml': `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {checksum: {{ include (print $.Template.BasePath "/configuration.yaml") . | sha256sum }}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: {{ .Values.image }}
          command: [httpd, -f, -p, "8080", -h, /configuration]
          envFrom: [{secretRef: {name: web}}]
          readinessProbe: {httpGet: {path: /word, port: 8080}, periodSeconds: 1}
          volumeMounts: [{name: configuration, mountPath: /configuration}]
      volumes: [{name: configuration, configMap: {name: web}}]
`,
  'store.yaml': `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  serviceName: store
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: store
          image: {{ .Values.image }}
          command: [sh, -c, 'echo "{{ .Release.Revision }}" >> /data/revisions; exec sleep 3600']
          volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
`,
  'hooks.yaml': `
{{- range $name, $hooks := dict "before" "pre-install,pre-upgrade,pre-rollback" "after" "post-install" "end" "pre-delete" }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  annotations: {helm.sh/hook: "{{ $hooks }}", helm.sh/hook-weight: "-1"}
data: {script: {{ index $.Values.scripts $name | quote }}}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $name }}
  annotations: {helm.sh/hook: "{{ $hooks }}", helm.sh/hook-delete-policy: before-hook-creation}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: {{ $.Values.image }}
          command: [sh, -c, $(SCRIPT)]
          env: [{name: SCRIPT, valueFrom: {configMapKeyRef: {name: {{ $name }}, key: script}}}]
{{- end }}
`,
  'test.yaml': `
apiVersion: v1
kind: Pod
metadata:
  name: test
  annotations: {helm.sh/hook: test, helm.sh/hook-delete-policy: before-hook-creation}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: {{ .Values.image }}
      command: [sh, -c, 'word=$(wget -q -O - http://web/word) && echo "web says $word" && [ "$word" = "{{ .Values.word }}" ]']
`,
}

const values = {
  image: imageNames.busybox,
  word: 'one',
  password: 'precious',
  scripts: { before: 'echo prepared', after: 'wget -q -O - http://web/word', end: 'echo ended' },
}

describe('a chart of a user, installed in the root by Helm', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: CompatibilityPlatform
  let home: string
  let helm: (...args: string[]) => Promise<string>
  const chart = () => path.join(home, 'shop')
  const inShop = (...args: string[]) => platform.must('-n', namespace, ...args)
  const podsOf = async (app: string) =>
    (await inShop('get', 'pods', '-l', `app=${app}`, '-o', 'jsonpath={.items[*].spec.nodeName}')).split(' ')
  const words = () => inShop('exec', 'deploy/web', '--', 'sh', '-c', 'cat /configuration/word; echo " $password"')
  const revisions = () => inShop('exec', 'store-0', '--', 'cat', '/data/revisions')

  before(async () => {
    const bin = await ensureBinaries(['helm'])
    platform = await startFor('helm-release')
    home = await mkdtemp(path.join(os.tmpdir(), 'kosmos-helm-release-'))
    const env = {
      ...process.env,
      HOME: home,
      KUBECONFIG: platform.testbed.root.kubeconfig,
      HELM_NAMESPACE: namespace,
    }
    helm = async (...args) => (await run(bin.helm, args, { env, maxBuffer: 2 ** 26 })).stdout
    await helm('create', chart())
    await rm(path.join(chart(), 'templates'), { recursive: true })
    await run('mkdir', [path.join(chart(), 'templates')])
    await writeFile(path.join(chart(), 'values.yaml'), JSON.stringify(values))
    for (const [file, text] of Object.entries(templates)) await writeFile(path.join(chart(), 'templates', file), text)
  })
  after(async () => {
    await platform?.down()
    if (home) await rm(home, { recursive: true, force: true })
  })

  it('is there when Helm says so, with its hooks before and after', async () => {
    await helm('install', 'shop', chart(), '--create-namespace', '--wait', '--timeout', '5m')
    assert.deepEqual(new Set(await podsOf('web')), new Set(['kosmos-leaf1']))
    assert.equal(await words(), 'one precious\n')
    assert.equal(await inShop('logs', 'job/before'), 'prepared\n')
    assert.equal(await inShop('logs', 'job/after'), 'one')
    assert.equal(await revisions(), '1\n')
  })

  it('is tested from within its leaf, and Helm shows what the test says', async () => {
    assert.match(await helm('test', 'shop', '--logs', '--timeout', '3m'), /web says one/)
  })

  it('is upgraded pod by pod, and keeps its data', async () => {
    const changed = ['--set', 'word=two', '--set', 'password=other']
    await helm('upgrade', 'shop', chart(), ...changed, '--wait', '--timeout', '5m')
    assert.equal(await words(), 'two other\n')
    assert.match(await helm('test', 'shop', '--logs', '--timeout', '3m'), /web says two/)
    assert.equal(await revisions(), '1\n2\n')
  })

  it('stays as it is when a hook fails, and Helm says which', async () => {
    const failing = ['--set', 'word=three', '--set', 'scripts.before=exit 3']
    await assert.rejects(helm('upgrade', 'shop', chart(), ...failing, '--wait', '--timeout', '3m'), (error: Error) =>
      /pre-upgrade hooks failed/.test(String((error as Error & { stderr?: string }).stderr)),
    )
    assert.equal(await words(), 'two other\n')
    assert.match(await inShop('get', 'job', 'before', '-o', 'jsonpath={.status.conditions[*].type}'), /Failed/)
  })

  it('is rolled back', async () => {
    await helm('rollback', 'shop', '1', '--wait', '--timeout', '5m')
    assert.equal(await words(), 'one precious\n')
    assert.match(await helm('test', 'shop', '--logs', '--timeout', '3m'), /web says one/)
    assert.equal(await revisions(), '1\n2\n1\n')
  })

  it('leaves nothing in root and leaf when it is uninstalled, but for its data and its hooks, as Helm does', async () => {
    await helm('uninstall', 'shop', '--wait', '--timeout', '3m')
    assert.equal(await inShop('logs', 'job/end'), 'ended\n')
    await inShop('delete', 'jobs,pods,configmaps', '--all', '--wait')
    const [leaf] = platform.testbed.leaves
    assert.ok(leaf)
    await eventually('nothing of it is in the leaf', async () => {
      const args = ['-n', namespace, 'get', 'pods,services,configmaps,secrets', '-o', 'name']
      const { stdout } = await platform.kubectlIn(leaf, args)
      return stdout === 'configmap/kube-root-ca.crt\n'
    })
    const data = await platform.leaves[0]?.get(persistentVolumeClaims, { namespace, name: 'data-store-0' })
    assert.equal(data?.status?.phase, 'Bound')
    await platform.must('delete', 'namespace', namespace)
    await eventually('the namespace goes from the leaf', async () => {
      return (await platform.kubectlIn(leaf, ['get', 'namespace', namespace])).code !== 0
    })
  })
})
