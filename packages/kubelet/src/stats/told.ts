/**
 * Whether an answer is what a kubelet has at the path: text in the exposition format, or a summary (k8s.io/kubelet/pkg/apis/stats/v1alpha1).
 * A proxy in between may answer with 200 and a page of its own. Pure.
 */
export function isTold(path: string, body: unknown): boolean {
  if (path.startsWith('metrics/')) return typeof body === 'string'
  if (!isObject(body) || !isObject(body.node)) return false
  const pods = body.pods ?? []
  return Array.isArray(pods) && pods.every((pod) => isObject(pod) && isObject(pod.podRef))
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
