/** How classes of the root are called in a leaf, where they are called otherwise; empty: the leaf's default class, or none. */
export type ClassNames = Readonly<Record<string, string>>

/** What a leaf calls a class of the root; undefined: none, which of StorageClasses is its default. Pure. */
export function classInLeaf(name: string | undefined, names: ClassNames): string | undefined {
  // Empty is none as well, in a claim as in the Cluster.
  return (name && (names[name] ?? name)) || undefined
}

/**
 * Whether a claim of a leaf is of another StorageClass than the Cluster says now. Which one admission took for the default at its time
 * cannot be told: such a claim is of another one only if the leaf does not have its class. Pure.
 */
export function isOfOtherClass(
  claims: { readonly root: string | undefined; readonly leaf: string | undefined },
  names: ClassNames,
  leafHas: (name: string) => boolean,
): boolean {
  const wanted = classInLeaf(claims.root, names)
  if (wanted !== undefined) return claims.leaf !== wanted
  return claims.leaf !== undefined && !leafHas(claims.leaf)
}

/**
 * What the root calls the leaf's class: where several are one in the leaf, the first that was spoken of (what is asked for, what was said
 * before). A class that none stands for goes by its own name. Pure.
 */
export function attributesClassInRoot(
  inLeaf: string | undefined,
  spokenOf: readonly (string | undefined)[],
  names: ClassNames,
): string | undefined {
  if (!inLeaf) return undefined
  return [...spokenOf, ...Object.keys(names)].find((name) => classInLeaf(name, names) === inLeaf) ?? inLeaf
}
