import { comfortableSkew, oldestLeaf, oldestRoot, release } from '../clusters/version.ts'
import { ok, problem, type Verdict, warning } from './finding.ts'

/** Pure. */
export function rootVersionVerdict(gitVersion: string): Verdict {
  const version = release(gitVersion)
  if (version !== null && version.compare(oldestRoot) >= 0) return ok(`the root runs ${gitVersion}`)
  return problem(
    `the root runs Kubernetes ${gitVersion}, and ${oldestRoot} is the oldest that works`,
    'upgrade the root',
  )
}

/** `root` undefined: not known. Pure. */
export function leafVersionVerdict(leaf: string, root: string | undefined): Verdict {
  const version = release(leaf)
  if (version === null || version.compare(oldestLeaf) < 0) {
    return problem(
      `the leaf runs Kubernetes ${leaf}, and ${oldestLeaf} is the oldest that can be joined`,
      'upgrade the leaf',
    )
  }
  const rootVersion = release(root ?? '')
  const distance = rootVersion === null ? 0 : Math.abs(rootVersion.minor - version.minor)
  if (distance <= comfortableSkew) return ok(`the leaf runs ${leaf}`)
  return warning(
    `the leaf runs ${leaf}, the root ${root}: ${distance} minor versions apart, so newer fields of pods may get lost`,
    `keep them within ${comfortableSkew} minor versions`,
  )
}
