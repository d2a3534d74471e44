import assert from 'node:assert/strict'
import type { TestCluster } from '../live.fixture.ts'
import { explain } from '../terminal/explain.ts'
import { silent } from '../terminal/progress.ts'
import { join } from './join.ts'
import { JoinRefused } from './look.ts'
import type { JoinOptions } from './options.ts'

/** A leaf that is joined to a root as `leaf1`, but for what is said otherwise. */
export function joining(root: TestCluster, leaf: TestCluster) {
  const options = (differences: Partial<JoinOptions> = {}): JoinOptions => ({
    name: 'leaf1',
    root: root.source,
    leaf: leaf.source,
    timeoutSeconds: 0,
    ...differences,
  })

  /** The sentences with which a join is refused, or the one with which it fails. */
  async function complaints(differences: Partial<JoinOptions>): Promise<string> {
    const error = await join(options(differences), silent).then(
      () => assert.fail('it joined'),
      (error: unknown) => error,
    )
    if (!(error instanceof JoinRefused)) return explain(error).message
    return error.findings.flatMap(({ verdict }) => (verdict.status === 'problem' ? [verdict.what] : [])).join('\n')
  }

  return { options, complaints }
}
