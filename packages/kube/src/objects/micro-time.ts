/** A MicroTime of metav1, which has to have six decimals. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z')
}
