/** A word as a POSIX shell reads it back unchanged. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** A command line for a POSIX shell. */
export function line(...words: readonly string[]): string {
  return words.map(quote).join(' ')
}
