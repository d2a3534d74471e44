/** Whether the address of an API server means the machine that it is used on. */
export function isLoopback(server: string): boolean {
  const { hostname } = new URL(server)
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
}
