import { dump } from 'js-yaml'
import { valuesSchema } from './schema.ts'
import { toTemplate } from './template.ts'

/** Manifests below deploy/, by path, as text. */
export interface ChartSources {
  readonly version: string
  readonly crds: Readonly<Record<string, string>>
  /** Kinds of the Multi-Cluster Services API, which somebody else may have brought. */
  readonly mcs: Readonly<Record<string, string>>
  readonly manifests: Readonly<Record<string, string>>
}

const generated = '# Generated from deploy/ by packages/kosmosctl/src/chart/generate.ts; do not edit.\n'

/** The files of the Helm chart, by path below deploy/charts/kosmos: the same objects as the manifests. Pure. */
export function chart({ version, crds, mcs, manifests }: ChartSources): Record<string, string> {
  const files: Record<string, string> = {}
  const values: Record<string, unknown> = {}
  for (const [path, text] of Object.entries(manifests)) {
    const template = toTemplate(whereServed(withoutNamespace(text)))
    for (const { name, value } of template.values) values[name] = value
    files[`templates/${path.replaceAll('/', '-')}`] = generated + template.text
  }
  for (const [path, text] of Object.entries(crds))
    files[`templates/${path.replaceAll('/', '-')}`] = generated + kept(text)
  values[mcsValue] = true
  for (const [path, text] of Object.entries(mcs))
    files[`templates/${path.replaceAll('/', '-')}`] = generated + unlessThere(kept(text))
  files['values.yaml'] = generated + dump(values, { lineWidth: -1 })
  files['values.schema.json'] = valuesSchema(values)
  files['Chart.yaml'] =
    generated +
    dump({
      apiVersion: 'v2',
      name: 'kosmos',
      description: 'Kubernetes across many clusters: every leaf cluster is a node of the root',
      type: 'application',
      version,
      appVersion: version,
      kubeVersion: '>=1.31.0-0',
    })
  files['templates/NOTES.txt'] = notes
  return files
}

const notes = `Join a leaf:  kosmosctl join NAME --kubeconfig LEAF
Look for what is wrong:  kosmosctl check
{{- if ne .Release.Namespace "kosmos-system" }}
{{ fail "install it into its own namespace: helm install kosmos ... --namespace kosmos-system --create-namespace" }}
{{- end }}
`

/** Helm makes the namespace itself (--create-namespace), and would refuse one that is there. */
function withoutNamespace(text: string): string {
  return text
    .split(/^---\n/m)
    .filter((document) => !/^kind: Namespace$/m.test(document))
    .join('---\n')
}

const served = '.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"'

/** A root has the admission policies, or else what stands in for younger parts of it: as install does it. */
function whereServed(text: string): string {
  const where = (condition: string, document: string) => `{{- if ${condition} }}\n${document.trimEnd()}\n{{- end }}\n`
  if (/^kind: MutatingWebhookConfiguration$|^ {2}name: kosmos-clustertree-tokens$/m.test(text))
    return where(`not (${served})`, text)
  return text
    .split(/^---\n/m)
    .map((document) => (/^kind: MutatingAdmissionPolicy/m.test(document) ? where(served, document) : document))
    .join('---\n')
}

/** Whether the chart brings ServiceExport and ServiceImport. */
const mcsValue = 'multiClusterServiceKinds'

/**
 * A kind that others bring as well: Helm refuses to install what is there and not its own. Where nothing can be looked up
 * (`helm template`, GitOps) the value decides alone.
 */
function unlessThere(text: string): string {
  const name = /^ {2}name: (\S+)$/m.exec(text)?.[1]
  if (name === undefined) throw new Error('a CustomResourceDefinition without a name')
  return `{{- $there := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "${name}" }}
{{- $release := dig "metadata" "annotations" "meta.helm.sh/release-name" "" $there }}
{{- if and .Values.${mcsValue} (or (not $there) (eq $release .Release.Name)) }}
${text.trimEnd()}
{{- end }}
`
}

/** Removing the chart must not remove the kinds, and with them every Cluster. */
function kept(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('# Generated'))
    .join('\n')
    .replace(/^metadata:\n/m, 'metadata:\n  annotations:\n    helm.sh/resource-policy: keep\n')
}
