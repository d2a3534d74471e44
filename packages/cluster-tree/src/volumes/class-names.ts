/** How classes of the root are called in a leaf, where they are called otherwise; empty: the leaf's default class, or none. */
export type ClassNames = Readonly<Record<string, string>>

/** What a leaf calls a VolumeAttributesClass of the root (KEP-3751); undefined: none. Pure. */
export function attributesClassInLeaf(name: string | undefined, names: ClassNames): string | undefined {
  // Empty is none as well, in a claim as in the Cluster.
  return (name && (names[name] ?? name)) || undefined
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
  return [...spokenOf, ...Object.keys(names)].find((name) => attributesClassInLeaf(name, names) === inLeaf) ?? inLeaf
}
