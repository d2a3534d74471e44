/** A log line: an event and its fields. Never carries a token, a key or a query. */
export interface KubeletEvent {
  readonly level: 'info' | 'warn' | 'error'
  readonly event: string
  readonly node?: string
  readonly error?: string
  readonly [field: string]: unknown
}

export type Log = (event: KubeletEvent) => void
