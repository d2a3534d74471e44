import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rootResourceVersionAnnotation } from '@kosmos/api'
import type { ConfigMap, KubeObject } from '@kosmos/kube'
import fc from 'fast-check'
import { withContentState } from './content-state.ts'
import { withFieldsNoted } from './noted-fields.ts'

const US = 'kosmos-cluster-tree'
const [early, later, latest] = ['2026-11-30T11:22:43Z', '2026-11-30T11:22:46Z', '2026-11-30T11:22:48Z']
const fieldsOf = (...keys: readonly string[]) => ({
  'f:data': { '.': {}, ...Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) },
})
const wrote = (manager: string, time: string | undefined, fieldsV1: object) => ({ manager, time, fieldsV1 })
const copy = (managedFields: readonly object[] | undefined, shown = '7', uid = 'u-1') =>
  ({
    kind: 'PartialObjectMetadata',
    metadata: {
      name: 'settings',
      uid,
      resourceVersion: '100',
      annotations: { [rootResourceVersionAnnotation]: shown, note: 'a' },
      ...(managedFields && { managedFields }),
    },
  }) as KubeObject
const stateOf = (managedFields: readonly object[], shown?: string, uid?: string) =>
  withContentState(copy(managedFields, shown, uid), US).content ?? assert.fail()
const othersIn = (...managedFields: readonly object[]) => stateOf(managedFields).others

describe('what metadata tells of the content of a copy', () => {
  it('is kept without managedFields, whose place it takes', () => {
    const { content, ...rest } = withContentState(copy([wrote(US, early, fieldsOf('a'))]), US)
    assert.deepEqual(rest, copy(undefined))
    assert.deepEqual(Object.keys(content ?? {}).sort(), ['fields', 'isWhole', 'others', 'version'])
  })

  it('is nothing where the API server keeps no account', () => {
    assert.deepEqual(withContentState(copy(undefined), US), copy(undefined))
  })

  it('is who changed a value after us, or added one', () => {
    assert.deepEqual(othersIn(wrote(US, early, fieldsOf('a'))), [])
    assert.deepEqual(othersIn(wrote(US, early, fieldsOf('b')), wrote('kubectl-edit', later, fieldsOf('a'))), [
      'kubectl-edit',
    ])
    assert.deepEqual(
      othersIn(
        wrote('kubectl-edit', later, { 'f:immutable': {} }),
        wrote(US, early, fieldsOf('a')),
        wrote('flux', latest, fieldsOf('b')),
        wrote('kubectl-edit', latest, fieldsOf('c')),
      ),
      ['kubectl-edit', 'flux'],
    )
  })

  it('is everybody who wrote to what we never did, as who restores a backup', () => {
    assert.deepEqual(othersIn(wrote('velero', early, fieldsOf('a'))), ['velero'])
  })

  it('is nobody who wrote before our last change: what is theirs still was the same as ours', () => {
    const change = wrote(US, latest, { 'f:metadata': { 'f:annotations': { 'f:a': {} } } })
    assert.deepEqual(othersIn(wrote('velero', later, fieldsOf('a')), change), [])
  })

  it('is who wrote in the second of our last change, or at a time that is not told: we cannot know', () => {
    for (const time of [later, undefined])
      assert.deepEqual(othersIn(wrote(US, later, fieldsOf('a')), wrote('flux', time, fieldsOf('b'))), ['flux'])
  })

  it('is nobody who applies what is there already, and shares it with us', () => {
    assert.deepEqual(othersIn(wrote(US, early, fieldsOf('a', 'b')), wrote('flux', later, fieldsOf('a'))), [])
  })

  it('is nobody who labels it, holds it or sets its status', () => {
    const elsewhere = { 'f:metadata': { 'f:labels': { 'f:a': {} } }, 'f:status': { 'f:phase': {} } }
    const [ours, theirs] = [wrote(US, early, fieldsOf('a')), wrote('backup', later, elsewhere)]
    assert.deepEqual(stateOf([ours, theirs]), stateOf([ours]))
  })

  it('is nobody who made a map in which nothing is left', () => {
    const emptied = wrote('kubectl-edit', later, { 'f:binaryData': { '.': {} } })
    assert.deepEqual(othersIn(wrote(US, early, fieldsOf('a')), emptied), [])
  })

  it('is which fields there are, whoever has written them, in whatever order', () => {
    const managers = fc.array(fc.constantFrom(US, 'flux', 'velero'), { minLength: 1 })
    const keys = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(keys, managers, (keys, managers) => {
        const { fields } = stateOf([wrote(US, early, fieldsOf(...keys))])
        const spread = managers.map((manager, index) => {
          const share = keys.filter((_, place) => place % managers.length === index)
          return wrote(manager, early, fieldsOf(...share.reverse()))
        })
        assert.equal(stateOf(spread).fields, fields)
        const [, ...fewer] = keys
        assert.notEqual(stateOf([wrote(US, early, fieldsOf(...fewer))]).fields, fields)
      }),
    )
  })

  it('tells lists by what is in them', () => {
    const ports = (key: string) => [wrote(US, early, { 'f:spec': { 'f:ports': { [key]: { 'f:port': {} } } } })]
    assert.notEqual(stateOf(ports('k:{"port":80}')).fields, stateOf(ports('k:{"port":81}')).fields)
  })

  it('is whether what we noted is there, whoever has it now; the note itself is kept no longer', () => {
    const { data, metadata } = withFieldsNoted({
      metadata: copy(undefined).metadata ?? {},
      data: { a: '1', b: '2' },
    } as KubeObject) as ConfigMap
    assert.ok(data)
    const seen = (...managedFields: readonly object[]) =>
      withContentState({ metadata: { ...metadata, managedFields } } as KubeObject, US)
    const both = seen(wrote(US, early, fieldsOf('a')), wrote('flux', later, fieldsOf('b', 'c')))
    assert.equal(both.content?.isWhole, true)
    assert.equal(seen(wrote(US, early, fieldsOf('a'))).content?.isWhole, false)
    assert.deepEqual(both.metadata, copy(undefined).metadata)
  })

  it('has another version with every change of ours, and with another incarnation, and by nothing else', () => {
    const ours = [wrote(US, early, fieldsOf('a'))]
    const { version } = stateOf(ours)
    assert.notEqual(stateOf(ours, '8').version, version)
    assert.notEqual(stateOf(ours, '7', 'u-2').version, version)
    const noted = copy(ours) as { metadata: { annotations: Record<string, string> } }
    noted.metadata.annotations.note = 'b'
    assert.equal(withContentState(noted as KubeObject, US).content?.version, version)
    assert.equal(stateOf([wrote('flux', later, fieldsOf('z'))]).version, version)
    const { annotations, ...metadata } = withFieldsNoted(copy(ours)).metadata ?? {}
    const inOrder = (entries: readonly [string, string][]) =>
      withContentState({ metadata: { ...metadata, annotations: Object.fromEntries(entries) } } as KubeObject, US)
        .content
    const entries = Object.entries(annotations ?? {})
    assert.deepEqual(inOrder(entries.toReversed()), inOrder(entries))
  })
})
