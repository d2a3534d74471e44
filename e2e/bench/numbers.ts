import { InvalidArgumentError } from 'commander'

/** Reads an option that is a count, or anything else that is whole: `least` or more. */
export const wholeFrom = (least: number) => (text: string) => {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < least || !Number.isSafeInteger(number)) {
    throw new InvalidArgumentError(`Give a whole number from ${least} on.`)
  }
  return number
}

/** Reads an option that is a part of something, or a little more than all of it. */
export function share(text: string): number {
  const number = /^\d*\.?\d+$/.test(text) ? Number(text) : 0
  if (!(number > 0 && number <= 10)) throw new InvalidArgumentError('Give a number above 0 and up to 10, as 0.9.')
  return number
}
