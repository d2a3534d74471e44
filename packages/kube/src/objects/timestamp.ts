/** A Time of metav1: RFC 3339 in whole seconds, as the API server stores it, so that what was written is equal to what is read. */
export function timestamp(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`
}
