import type { ServingCertificate } from './certificate.ts'

/**
 * When to renew: after 70 to 90 % of the lifetime, at a place of its own for each certificate, as the kubelet does
 * (client-go's certificate manager). `random` is in [0, 1). Pure.
 */
export function renewalTime(lifetime: Pick<ServingCertificate, 'notBefore' | 'notAfter'>, random: number): Date {
  const { notBefore, notAfter } = lifetime
  const lifetimeMs = notAfter.getTime() - notBefore.getTime()
  return new Date(notBefore.getTime() + lifetimeMs * (0.7 + 0.2 * random))
}
