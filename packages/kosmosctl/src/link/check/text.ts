import { findingsText } from '../../check/command.ts'
import { table } from '../../output/table.ts'
import type { LinkCheck } from './check.ts'
import { nodesTable, pairsTable, podsTable, type Rows } from './tables.ts'

/** Tables for people: how clusters reach each other, nodes and pods if they were asked for, then what is wrong. Pure. */
export function linkCheckText({ pairs, nodePairs, pods, findings, now }: LinkCheck, wide: boolean): string {
  return [
    pairs.length > 0 ? text(pairsTable(pairs, now)) : 'no two clusters are linked',
    ...(nodePairs ? ['', text(nodesTable(nodePairs))] : []),
    ...(pods && pods.length > 0 ? ['', text(podsTable(pods))] : []),
    '',
    findingsText(findings, wide),
  ].join('\n')
}

const text = ({ head, rows }: Rows): string => table(head, rows)
