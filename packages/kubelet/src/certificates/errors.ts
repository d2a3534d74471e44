/** There will be no certificate until somebody changes something; the message says what. */
export class CertificateRefused extends Error {
  override readonly name = 'CertificateRefused'
}

/** Nobody signed the approved request: the cluster has no signer for kubelets, or it is not running. */
export class NoSigner extends Error {
  override readonly name = 'NoSigner'
}
