import type { KubeObject } from '@kosmos/kube'
import { table } from '../output/table.ts'

/** Objects and how they look in a table; the wide columns are shown with `-o wide`. */
export interface Listing {
  readonly items: readonly KubeObject[]
  readonly head: readonly string[]
  readonly wide: readonly string[]
  readonly rows: readonly { readonly cells: readonly string[]; readonly wide: readonly string[] }[]
}

export function listingTable({ head, wide, rows }: Listing, isWide: boolean): string {
  return isWide
    ? table(
        [...head, ...wide],
        rows.map((row) => [...row.cells, ...row.wide]),
      )
    : table(
        head,
        rows.map((row) => row.cells),
      )
}

/** As `kubectl get -o name` prints them, one a line. */
export function listingNames({ items }: Listing): string {
  return items.map(nameOf).join('\n')
}

function nameOf({ apiVersion = '', kind = '', metadata }: KubeObject): string {
  const [group] = apiVersion.includes('/') ? apiVersion.split('/') : []
  return `${kind.toLowerCase()}${group === undefined ? '' : `.${group}`}/${metadata?.name}`
}

/** As `kubectl get -o json` prints several objects. */
export function listingData({ items }: Listing): unknown {
  return { apiVersion: 'v1', kind: 'List', items }
}
