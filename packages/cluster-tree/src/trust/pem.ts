const CERTIFICATE = /^-----BEGIN CERTIFICATE-----\r?\n(?<base64>[^-]*)-----END CERTIFICATE-----/gm

/** The certificates of a PEM text in their order, as base64 of DER; what stands between them is dropped. Pure. */
export function certificatesOf(text: string): readonly string[] {
  const found = [...text.matchAll(CERTIFICATE)]
  return found.map(({ groups }) => Buffer.from(groups?.base64 ?? '', 'base64').toString('base64'))
}

/** Certificates as one PEM text. Pure. */
export function pemOf(certificates: readonly string[]): string {
  return certificates
    .flatMap((base64) => [
      '-----BEGIN CERTIFICATE-----',
      ...(base64.match(/.{1,64}/g) ?? []),
      '-----END CERTIFICATE-----',
    ])
    .map((line) => `${line}\n`)
    .join('')
}
