import type { Node } from '@kosmos/kube'

/** Streams reach the kubelet API as WebSockets (KEP-4006), so that it hears of a client that has gone. */
const WEBSOCKETS = 'ExtendWebSocketsToKubelet'

/** The first minor version of 1 whose API server speaks WebSocket for all streams: exec since 1.30, port-forward since 1.31. */
const WEBSOCKETS_SINCE = 31

/**
 * What a virtual node declares (KEP-5328), by which kube-scheduler and the API server decide which pods and which changes of
 * them it may get: what all of its leaf nodes declare. Its streams are served by the leaf's API server, whatever the leaf's
 * kubelets speak. `version`: gitVersion of the leaf's API server. Sorted, as the API demands. Pure.
 */
export function declaredFeatures(members: readonly Node[], version: string): string[] {
  const [first, ...others] = members.map(({ status }) => new Set(status?.declaredFeatures))
  const common = [...(first ?? [])].filter((name) => name !== WEBSOCKETS && others.every((set) => set.has(name)))
  return [...common, ...(speaksWebSocket(version) ? [WEBSOCKETS] : [])].sort()
}

function speaksWebSocket(version: string): boolean {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= WEBSOCKETS_SINCE)
}
