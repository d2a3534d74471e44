/** A certificate to serve TLS with. */
export interface ServingCertificate {
  /** PEM, with its intermediates if any. */
  readonly certificate: string
  /** PEM, PKCS #8. */
  readonly key: string
  readonly notBefore: Date
  readonly notAfter: Date
}
