import Table from 'cli-table3'

const NOTHING = ''
const borderless = {
  top: NOTHING,
  'top-mid': NOTHING,
  'top-left': NOTHING,
  'top-right': NOTHING,
  bottom: NOTHING,
  'bottom-mid': NOTHING,
  'bottom-left': NOTHING,
  'bottom-right': NOTHING,
  left: NOTHING,
  'left-mid': NOTHING,
  mid: NOTHING,
  'mid-mid': NOTHING,
  right: NOTHING,
  'right-mid': NOTHING,
  middle: NOTHING,
}

/** Rows in columns three spaces apart under upper-case heads, as kubectl prints them; no spaces at line ends. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const printed = new Table({
    chars: borderless,
    head: head.map((title) => title.toUpperCase()),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 3 },
  })
  printed.push(...rows.map((row) => row.map((cell) => cell.replaceAll(/\s*\n\s*/g, ' '))))
  return printed
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
