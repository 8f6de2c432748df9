/** By code units, the same everywhere: no locale has a say in what counts. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
