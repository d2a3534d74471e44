import type { Answer } from '../answer.ts'
import type { LocatedPod, NodePods, PodQuery } from '../pods.ts'

export type FoundPod = Extract<LocatedPod, { kind: 'found' }>

/** The pod in its leaf, or the answer that there is none or that it cannot be reached. */
export async function locate(
  pods: Pick<NodePods, 'locate'>,
  query: PodQuery,
): Promise<{ readonly found: FoundPod } | { readonly answer: Answer }> {
  const located = await pods.locate(query)
  if (located.kind === 'found') return { found: located }
  return { answer: { code: located.kind === 'absent' ? 404 : 503, text: located.message } }
}
