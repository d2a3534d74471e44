import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Status } from '../connection/errors.ts'
import { isGone, isNotFound, isOvertaken, type RefusalReason, refusalOf, unwrap } from './outcome.ts'

/** Answers of kube-apiserver 1.37.2, as it wrote them. */
const answers: readonly (readonly [title: string, reason: RefusalReason | undefined, Status & { code: number }])[] = [
  [
    'a name that is taken',
    'AlreadyExists',
    {
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
      details: { name: 'a', kind: 'configmaps' },
    },
  ],
  [
    'a delete of another incarnation',
    'OtherIncarnation',
    {
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (x) does not match the UID in record (fa040e7d-40aa-474e-be7d-43094ca8a57f). The object might have been deleted and then recreated',
      details: { name: 'a', kind: 'ConfigMap' },
    },
  ],
  [
    'a delete of another incarnation, as older servers word it',
    'OtherIncarnation',
    {
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": Precondition failed: UID in precondition: x, UID in object meta: fa040e7d',
      details: { name: 'a', kind: 'configmaps' },
    },
  ],
  [
    'a token bound to another incarnation',
    'OtherIncarnation',
    {
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on Secret "s": the UID in the bound object reference (x) does not match the UID in record. The object might have been deleted and then recreated',
      details: { name: 's', kind: 'Secret' },
    },
  ],
  [
    'an apply to an incarnation that is gone',
    'NotFound',
    {
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "absent": uid mismatch: the provided object specified uid x, and no existing object was found',
      details: { name: 'absent', kind: 'configmaps' },
    },
  ],
  [
    'a delete of another version',
    'Conflict',
    {
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (210). The object might have been modified',
      details: { name: 'a', kind: 'ConfigMap' },
    },
  ],
  [
    'a patch of another incarnation',
    'OtherIncarnation',
    {
      code: 422,
      reason: 'Invalid',
      message: 'ConfigMap "a" is invalid: metadata.uid: Invalid value: "x": field is immutable',
      details: {
        name: 'a',
        kind: 'ConfigMap',
        causes: [
          { reason: 'FieldValueInvalid', message: 'Invalid value: "x": field is immutable', field: 'metadata.uid' },
        ],
      },
    },
  ],
  [
    'a name that is no name',
    'Invalid',
    {
      code: 422,
      reason: 'Invalid',
      message: 'ConfigMap "A_B" is invalid: metadata.name: Invalid value: "A_B": a lowercase RFC 1123 subdomain must …',
      details: {
        name: 'A_B',
        kind: 'ConfigMap',
        causes: [{ reason: 'FieldValueInvalid', message: 'Invalid value: "A_B"', field: 'metadata.name' }],
      },
    },
  ],
  [
    'a field of the wrong type',
    'Invalid',
    {
      code: 400,
      reason: 'BadRequest',
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string',
    },
  ],
  [
    'an object that is too large',
    'Invalid',
    { code: 413, reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 3145728' },
  ],
  [
    'a webhook that does not answer',
    'Forbidden',
    {
      code: 500,
      reason: 'InternalError',
      message:
        'Internal error occurred: failed calling webhook "gone.example.com": failed to call webhook: Post "https://127.0.0.1:9/?timeout=1s": dial tcp 127.0.0.1:9: connect: connection refused',
    },
  ],
  [
    'a webhook that finds the object invalid',
    'Invalid',
    {
      code: 422,
      reason: 'Invalid',
      message: 'admission webhook "rules.example.com" denied the request: not this image',
    },
  ],
  [
    'a webhook that denies with a code of its own',
    'Forbidden',
    { code: 409, reason: 'Conflict', message: 'admission webhook "names.example.com" denied the request: taken' },
  ],
  [
    'an object that is not there',
    'NotFound',
    {
      code: 404,
      reason: 'NotFound',
      message: 'configmaps "nope" not found',
      details: { name: 'nope', kind: 'configmaps' },
    },
  ],
  [
    'a new object in a namespace that is not there',
    'NotFound',
    {
      code: 404,
      reason: 'NotFound',
      message: 'namespaces "nope" not found',
      details: { name: 'nope', kind: 'namespaces' },
    },
  ],
  [
    'a kind that is not served',
    undefined,
    { code: 404, reason: 'NotFound', message: 'the server could not find the requested resource', details: {} },
  ],
  ['a path that something else answers', undefined, { code: 404, status: 'Failure', message: '404 page not found' }],
  [
    'a right that is missing',
    'Forbidden',
    { code: 403, reason: 'Forbidden', message: 'configmaps is forbidden: User "x" cannot create resource' },
  ],
  ['credentials that do not count', undefined, { code: 401, reason: 'Unauthorized', message: 'Unauthorized' }],
  ['a server in trouble', undefined, { code: 500, reason: 'InternalError', message: 'etcdserver: request timed out' }],
]

describe('the answer to a write', () => {
  for (const [title, reason, status] of answers) {
    it(`to ${title} is ${reason ?? 'a failure, not a refusal'}`, () => {
      assert.equal(refusalOf(status.code, status), reason)
    })
  }
})

describe('an object', () => {
  it('counts as absent only when the API server names it in its 404', () => {
    const absent = answers.filter(([, , status]) => isNotFound(status.code, status)).map(([title]) => title)
    assert.deepEqual(absent, ['an object that is not there', 'a new object in a namespace that is not there'])
  })
})

describe('a refused write', () => {
  it('is about an object that is gone when there is none, or another of its name, and in no other case', () => {
    const gone = answers.flatMap(([, reason]) => (reason && isGone({ ok: false, reason, status: {} }) ? [reason] : []))
    assert.deepEqual(new Set(gone), new Set(['NotFound', 'OtherIncarnation']))
  })
})

describe('a write that was overtaken', () => {
  it('met an object that is gone, or has changed, and nothing else', () => {
    const overtaken = answers.flatMap(([, reason]) =>
      reason && isOvertaken({ ok: false, reason, status: {} }) ? [reason] : [],
    )
    assert.deepEqual(new Set(overtaken), new Set(['Conflict', 'NotFound', 'OtherIncarnation']))
  })
})

describe('the object of an outcome', () => {
  it('is the object, or nothing when there is none', () => {
    assert.equal(unwrap({ ok: true, object: 'pod' }), 'pod')
    assert.equal(unwrap({ ok: false, reason: 'NotFound', status: {} }), undefined)
  })

  it('is an error with the words of the API server on every other refusal', () => {
    assert.throws(() => unwrap({ ok: false, reason: 'Conflict', status: { message: 'object was modified' } }), {
      message: 'object was modified',
    })
    assert.throws(() => unwrap({ ok: false, reason: 'Invalid', status: {} }), { message: 'Invalid' })
  })
})
