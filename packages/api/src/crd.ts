import { jsonSchema } from './schema/json.ts'
import type { Kind } from './schema/kind.ts'
import { openApiSchema } from './schema/openapi.ts'

const typeMeta = (kind: Kind) => ({
  apiVersion: { type: 'string', description: `The version of the schema: ${kind.group}/${kind.version}.` },
  kind: { type: 'string', description: `The kind of the object: ${kind.kind}.` },
  metadata: { type: 'object' },
})

/** The CustomResourceDefinition of a kind, as a manifest (apiextensions.k8s.io/v1). */
export function customResourceDefinition(kind: Kind) {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: {
      group: kind.group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        ...(kind.shortNames && { shortNames: [...kind.shortNames] }),
        categories: [...kind.categories],
      },
      scope: kind.scope,
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          ...(kind.status && { subresources: { status: {} } }),
          additionalPrinterColumns: kind.columns.map(({ wide, ...column }) => ({
            ...column,
            ...(wide ? { priority: 1 } : {}),
          })),
          schema: {
            openAPIV3Schema: {
              description: kind.description,
              type: 'object',
              required: ['spec'],
              properties: {
                ...typeMeta(kind),
                spec: openApiSchema(jsonSchema(kind.spec)),
                ...(kind.status && { status: openApiSchema(jsonSchema(kind.status)) }),
              },
              ...(kind.rules.length > 0 && {
                'x-kubernetes-validations': kind.rules.map(({ cel, message }) => ({ rule: cel, message })),
              }),
            },
          },
        },
      ],
    },
  }
}
