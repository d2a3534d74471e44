export interface JoinResult {
  readonly cluster: string
  /** Without an account: it is the root itself. */
  readonly leaf: { readonly server: string; readonly id: string; readonly account?: string }
  /** RFC 3339: when the credentials end unless they are renewed before. Undefined: the root needs none for itself. */
  readonly credentialsExpire?: string
  /** The virtual nodes, all Ready; empty if they were not waited for. */
  readonly virtualNodes: readonly string[]
}
