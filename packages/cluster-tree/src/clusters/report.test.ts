import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Credentials } from '@kosmos/kube'
import { accountToken, kubeconfig } from '@kosmos/kube/testing'
import fc from 'fast-check'
import { type ClusterView, conditionsOf, type LeafReport } from './report.ts'

const now = 5_000_000
const valid: Credentials = { ok: true, kubeconfig: kubeconfig({ user: { token: accountToken(1_000, 9_000) } }) }
const expired: Credentials = { ok: true, kubeconfig: kubeconfig({ user: { token: accountToken(1_000, 4_600) } }) }
const quiet: LeafReport = {
  beat: undefined,
  version: undefined,
  refused: undefined,
  unusable: undefined,
  heldBack: undefined,
  forbidden: undefined,
  withheld: undefined,
  declined: undefined,
}
const ready: LeafReport = { ...quiet, beat: { kind: 'ready' }, version: 'v1.37.2' }
const readyNode = { name: 'kosmos-east', ready: true }

function reasons(view: Partial<ClusterView>): Record<string, string> {
  const conditions = conditionsOf({
    credentials: valid,
    report: ready,
    virtualNodes: [readyNode],
    observedGeneration: 7,
    now,
    ...view,
  })
  return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]))
}

describe('what a Cluster says of itself', () => {
  it('is all well when the leaf answers and its node is Ready', () => {
    assert.deepEqual(reasons({}), {
      Reachable: 'True LeafReachable',
      CredentialsValid: 'True CredentialsAccepted',
      VirtualNodesReady: 'True VirtualNodesReady',
    })
  })

  it('is where it stands while the leaf has not been asked', () => {
    for (const report of [undefined, quiet]) {
      assert.deepEqual(reasons({ report }), {
        Reachable: 'Unknown Connecting',
        CredentialsValid: 'Unknown Unverified',
        VirtualNodesReady: 'False Starting',
      })
    }
    assert.equal(reasons({ virtualNodes: [] }).VirtualNodesReady, 'False Starting')
    assert.equal(reasons({ virtualNodes: [{ name: 'n', ready: undefined }] }).VirtualNodesReady, 'False Starting')
  })

  it('is what is wrong with the credentials, before anything else', () => {
    const credentials: Credentials = { ok: false, reason: 'SecretNotFound', detail: 'kosmos-system/x' }
    assert.deepEqual(reasons({ credentials, report: undefined }), {
      Reachable: 'Unknown NoCredentials',
      CredentialsValid: 'False SecretNotFound',
      VirtualNodesReady: 'False CredentialsInvalid',
    })
    assert.equal(reasons({ report: { ...quiet, unusable: 'no PEM' } }).CredentialsValid, 'False KubeconfigInvalid')
  })

  it('is that the leaf does not know the credentials, is past their end, or forbids what is needed', () => {
    const refused = (code: number): LeafReport => ({
      ...quiet,
      beat: { kind: 'refused', code, message: 'Unauthorized' },
    })
    assert.deepEqual(reasons({ report: refused(401) }), {
      Reachable: 'True LeafReachable',
      CredentialsValid: 'False CredentialsRejected',
      VirtualNodesReady: 'False CredentialsInvalid',
    })
    assert.equal(reasons({ report: refused(401), credentials: expired }).CredentialsValid, 'False CredentialsExpired')
    assert.equal(reasons({ report: refused(403), credentials: expired }).CredentialsValid, 'False PermissionsMissing')
  })

  it('is what is wrong with later credentials, while those before them are used', () => {
    const goesOn = (view: Partial<ClusterView>) => {
      const { CredentialsValid, ...others } = reasons(view)
      assert.deepEqual(others, { Reachable: 'True LeafReachable', VirtualNodesReady: 'True VirtualNodesReady' })
      return CredentialsValid
    }
    const unreadable: Credentials = { ok: false, reason: 'KubeconfigInvalid', detail: 'no YAML' }
    const refused = (code: number): LeafReport => ({ ...ready, declined: { kind: 'refused', code, message: 'no' } })
    assert.equal(goesOn({ credentials: unreadable }), 'False KubeconfigInvalid')
    const unusable: LeafReport = { ...ready, declined: { kind: 'unusable', message: 'no PEM' } }
    assert.equal(goesOn({ report: unusable }), 'False KubeconfigInvalid')
    assert.equal(goesOn({ report: refused(401) }), 'False CredentialsRejected')
    assert.equal(goesOn({ report: refused(403) }), 'False PermissionsMissing')
    assert.equal(goesOn({ report: refused(401), credentials: expired }), 'False CredentialsExpired')
    const [, condition] = conditionsOf({
      credentials: unreadable,
      report: ready,
      virtualNodes: [readyNode],
      observedGeneration: 7,
      now,
    })
    assert.match(condition?.message ?? '', /no YAML; until then those before them are used/)
  })

  it('is that a right is missing, although the API server says it is ready', () => {
    const report = { ...ready, forbidden: 'pods is forbidden' }
    assert.deepEqual(reasons({ report, virtualNodes: [] }), {
      Reachable: 'True LeafReachable',
      CredentialsValid: 'False PermissionsMissing',
      VirtualNodesReady: 'False CredentialsInvalid',
    })
  })

  it('is that a right is missing without which pods run all the same, and then the nodes are fine', () => {
    const report = { ...ready, withheld: 'events is forbidden' }
    assert.deepEqual(reasons({ report, virtualNodes: [{ name: 'kosmos-east', ready: true }] }), {
      Reachable: 'True LeafReachable',
      CredentialsValid: 'False PermissionsMissing',
      VirtualNodesReady: 'True VirtualNodesReady',
    })
  })

  it('tells a server that is not there from one that is not trusted', () => {
    const unreachable = (message: string): LeafReport => ({ ...quiet, beat: { kind: 'unreachable', message } })
    const of = (message: string) => reasons({ report: unreachable(message) })
    assert.deepEqual(of('leaf: no answer from https://10.0.0.1:6443: connect ECONNREFUSED 10.0.0.1:6443'), {
      Reachable: 'False LeafUnreachable',
      CredentialsValid: 'Unknown Unverified',
      VirtualNodesReady: 'False LeafUnreachable',
    })
    for (const message of [
      'self-signed certificate in certificate chain (SELF_SIGNED_CERT_IN_CHAIN)',
      'unable to verify the first certificate (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
      "Hostname/IP does not match certificate's altnames (ERR_TLS_CERT_ALTNAME_INVALID)",
      'certificate has expired (CERT_HAS_EXPIRED)',
    ]) {
      assert.equal(of(message).Reachable, 'False CertificateNotTrusted')
    }
  })

  it('is why the leaf must not be used', () => {
    const report: LeafReport = { ...ready, refused: { reason: 'LeafAlreadyJoined', detail: 'Cluster west' } }
    assert.equal(reasons({ report, virtualNodes: [] }).VirtualNodesReady, 'False LeafAlreadyJoined')
  })

  it('is what its node says when that is not Ready', () => {
    const virtualNodes = [{ name: 'kosmos-east', ready: false, message: 'no node of the leaf' }]
    assert.equal(reasons({ virtualNodes }).VirtualNodesReady, 'False NoReadyLeafNode')
  })

  it('is why one that is given up still has pods, which is no fault of those that are Ready', () => {
    const report: LeafReport = { ...ready, heldBack: 'kosmos-web-0: pod shop/web: the budget says no' }
    assert.equal(reasons({ report }).VirtualNodesReady, 'True VirtualNodesReady')
    const view = { credentials: valid, report, virtualNodes: [readyNode], observedGeneration: 7, now }
    assert.match(conditionsOf(view)[2]?.message ?? '', /pod shop\/web: the budget says no/)
    const virtualNodes = [{ name: 'kosmos-east', ready: false, message: 'no node of the leaf' }]
    assert.equal(reasons({ report, virtualNodes }).VirtualNodesReady, 'False NoReadyLeafNode')
  })

  it('is always one condition of each type, of the generation that was looked at', () => {
    const message = fc.constantFrom('', 'refused', 'certificate')
    const beat: fc.Arbitrary<LeafReport['beat']> = fc.oneof(
      fc.constant(undefined),
      fc.constant({ kind: 'ready' } as const),
      fc.record({ kind: fc.constant('refused' as const), code: fc.constantFrom(401, 403), message }),
      fc.record({ kind: fc.constantFrom('notReady' as const, 'unreachable' as const), message }),
    )
    const optional = fc.option(fc.constant('why'), { nil: undefined })
    const report = fc.record({
      beat,
      version: optional,
      refused: fc.option(fc.constant({ reason: 'LeafIsRoot' } as const), { nil: undefined }),
      unusable: optional,
      heldBack: optional,
      forbidden: optional,
      withheld: optional,
      declined: fc.constantFrom<LeafReport['declined']>(
        undefined,
        { kind: 'unusable', message: 'no PEM' },
        { kind: 'refused', code: 401, message: 'no' },
      ),
    })
    const state = fc.record({ name: fc.constant('n'), ready: fc.option(fc.boolean(), { nil: undefined }) })
    fc.assert(
      fc.property(
        fc.constantFrom<Credentials>(valid, expired, { ok: false, reason: 'CredentialsMissing' }),
        fc.option(report, { nil: undefined }),
        fc.array(state, { maxLength: 2 }),
        (credentials, report, virtualNodes) => {
          const conditions = conditionsOf({ credentials, report, virtualNodes, observedGeneration: 7, now })
          assert.deepEqual(
            conditions.map(({ type }) => type),
            ['Reachable', 'CredentialsValid', 'VirtualNodesReady'],
          )
          assert(conditions.every(({ observedGeneration, message }) => observedGeneration === 7 && message !== ''))
          const [, credentialsValid, nodesReady] = conditions
          // Nodes can do without what is only withheld, and without credentials that are later than those in use.
          if (nodesReady?.status === 'True' && !report?.withheld && !report?.declined && credentials.ok) {
            assert.equal(credentialsValid?.status, 'True')
          }
        },
      ),
    )
  })
})
