import type { KubeObject, Resource } from '@kosmos/kube'

const text = { type: 'string' }
const list = { type: 'array', items: text }

/** What we read of the kinds of network plug-ins, with the types of their documentation. */
const specs: Readonly<Record<string, object>> = {
  IPPool: { cidr: text, disabled: { type: 'boolean' }, allowedUses: list, natOutgoing: { type: 'boolean' } },
  BlockAffinity: { cidr: text, node: text, state: text, deleted: text, type: text },
  IPAMBlock: {
    cidr: text,
    affinity: text,
    allocations: { type: 'array', items: { type: 'integer', nullable: true } },
    attributes: {
      type: 'array',
      items: {
        type: 'object',
        properties: { handle_id: text, secondary: { type: 'object', additionalProperties: text } },
      },
    },
    unallocated: { type: 'array', items: { type: 'integer' } },
    strictAffinity: { type: 'boolean' },
    deleted: { type: 'boolean' },
    sequenceNumber: { type: 'integer' },
  },
  CiliumNode: {
    ipam: {
      type: 'object',
      properties: {
        podCIDRs: list,
        pools: {
          type: 'object',
          properties: {
            allocated: { type: 'array', items: { type: 'object', properties: { pool: text, cidrs: list } } },
          },
        },
      },
    },
  },
}

/** A definition under which the objects of a network plug-in can be stored; their real ones say more. */
export function definitionOf({ group, version, kind, plural }: Resource): KubeObject {
  const spec = { type: 'object', properties: specs[kind] ?? {} }
  const openAPIV3Schema = { type: 'object', properties: { spec } }
  return {
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  } as KubeObject
}
