import { type Client, type KubeObject, resource, secrets, unwrap } from '@kosmos/kube'
import { eventually } from '../live.fixture.ts'

const admission = 'admissionregistration.k8s.io/v1'
const policies = resource(admission, 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', 'Cluster')
const bindings = resource(admission, 'ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings', 'Cluster')
const metadata = { name: 'talkative' }

/**
 * Has a cluster refuse Secrets in words that quote what is in them, as policies and webhooks of others may.
 * @param allowed CEL: which it takes; not one named `refused`
 * @param operations which requests it judges
 * @returns ends it
 */
export async function quoteRefusedSecrets(
  client: Client,
  namespace: string,
  allowed = 'false',
  operations = ['CREATE', 'UPDATE'],
) {
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations, resources: ['secrets'] }
  const values = (name: string) => `(${name} == null ? [] : ${name}.data.map(key, ${name}.data[key]))`
  const messageExpression = `'not ' + (${values('object')} + ${values('oldObject')}).join(' nor ')`
  const spec = {
    matchConstraints: { resourceRules: [rule] },
    validations: [{ expression: allowed, messageExpression }],
  }
  unwrap(await client.create(policies, { metadata, spec } as KubeObject))
  const binding = { policyName: metadata.name, validationActions: ['Deny'] }
  unwrap(await client.create(bindings, { metadata, spec: binding } as KubeObject))
  await eventually('the policy is in force', async () => {
    const secret = { metadata: { namespace, name: 'refused' }, data: { a: 'dGVzdA==' } } as KubeObject
    const outcome = await client.create(secrets, secret, { dryRun: true })
    return !outcome.ok && /: not dGVzdA==/.test(outcome.status.message ?? '')
  })
  return async () => {
    await client.delete(bindings, metadata)
    await client.delete(policies, metadata)
  }
}
