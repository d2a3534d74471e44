/** Keys and certificates to serve TLS with. Apart from the rest, since what makes them is large. */
export type { ServingCertificate } from './certificate.ts'
export { generateKeyPair, type KeyPair, privateKeyPem, signing } from './key-pair.ts'
export { alternativeNames } from './names.ts'
export { renewalTime } from './renewal-time.ts'
export { clockSkewMs, type SelfSignedOptions, selfSignedCertificate } from './self-signed.ts'
export { serialNumber } from './serial-number.ts'
export * as x509 from './x509.ts'
