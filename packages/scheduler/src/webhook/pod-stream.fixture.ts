import { setTimeout as sleep } from 'node:timers/promises'
import type { AdmittingRoot } from '../admitting-root.fixture.ts'
import { isGated } from '../placement/standing.ts'
import { podLike } from '../pods.fixture.ts'

/** What became of pods that were created one after the other. */
export interface PodStream {
  readonly gated: number
  readonly ungated: number
  /** What the API server said instead. */
  readonly refused: readonly string[]
}

/**
 * Creates pods of an app all the time, several at once, while something is done. Resolves when all are answered.
 * @param work `more`: resolves when so many others have been answered, however slow the machine is
 */
export async function whilePodsAreCreated(
  { admitted }: AdmittingRoot,
  app: string,
  work: (more: (pods: number) => Promise<void>) => Promise<void>,
): Promise<PodStream> {
  const seen = { gated: 0, ungated: 0, refused: [] as string[] }
  let isOver = false
  const createOne = async () => {
    try {
      if (isGated(await admitted(podLike({ labels: { app } })))) seen.gated++
      else seen.ungated++
    } catch (error) {
      seen.refused.push((error as Error).message)
    }
  }
  const createAll = async () => {
    for (; !isOver; await sleep(30)) await createOne()
  }
  const more = async (pods: number) => {
    const answered = () => seen.gated + seen.ungated + seen.refused.length
    for (const wanted = answered() + pods; answered() < wanted; ) await sleep(30)
  }
  const running = Promise.all([createAll(), createAll(), createAll(), createAll()])
  try {
    await work(more)
  } finally {
    isOver = true
    await running
  }
  return seen
}
