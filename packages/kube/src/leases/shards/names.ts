/** Leases of one group lie in one namespace and are told apart by name; the label is what they are watched by. */
export const groupLabel = 'kosmos.io/lease-group'

export interface LeaseNames {
  readonly member: (life: string) => string
  readonly shard: (shard: string) => string
  /** What a lease of the group stands for. */
  readonly read: (name: string) => { readonly member: string } | { readonly shard: string } | undefined
}

/** `group`: a DNS label. Shards and lives are DNS subdomains. */
export function leaseNames(group: string): LeaseNames {
  const member = `${group}-member-`
  const shard = `${group}-shard-`
  return {
    member: (life) => member + life,
    shard: (key) => shard + key,
    read: (name) => {
      if (name.startsWith(member)) return { member: name.slice(member.length) }
      return name.startsWith(shard) ? { shard: name.slice(shard.length) } : undefined
    },
  }
}
