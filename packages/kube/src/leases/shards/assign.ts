import { hash } from 'node:crypto'

/**
 * Which member each shard goes to, by rendezvous hashing: everybody who sees the same members comes to the same answer,
 * and a member that comes or goes moves only the shards that it gets or had. Pure; no shard is assigned without members.
 */
export function assignShards(members: Iterable<string>, shards: Iterable<string>): Map<string, string> {
  const all = [...members]
  const assigned = new Map<string, string>()
  for (const shard of shards) {
    let best: string | undefined
    let bestWeight = ''
    for (const member of all) {
      const weight = hash('sha1', `${member}\0${shard}`, 'hex') + member
      if (weight > bestWeight) {
        best = member
        bestWeight = weight
      }
    }
    if (best !== undefined) assigned.set(shard, best)
  }
  return assigned
}
