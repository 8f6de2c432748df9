// Clients send placeholders where they know nobody. One that got through would join everybody who ever sent it.

const placeholders: ReadonlySet<string> = new Set([
  'anonymous',
  'guest',
  'distinctid',
  'distinct_id',
  'id',
  'not_authenticated',
  'undefined',
  'true',
  'false',
  'null',
  '(null)',
  'nil',
  'none',
  'nan',
  'na',
  'n/a',
  'unknown',
  '[object object]',
  // What Android answers an app that may not read the address, and the id one line of early phones shared.
  '02:00:00:00:00:00',
  '9774d56d682e549c',
])

const quotes: ReadonlySet<string> = new Set(['"', "'", '`'])

/** Whether an identifier's value is a placeholder, blank, nothing but zeros and signs, or masked with stars. */
export function namesNobody(value: string): boolean {
  const bare = unquoted(value.trim()).toLowerCase()
  if (placeholders.has(bare)) return true
  if (!/\p{L}|(?!0)\p{N}/u.test(bare)) return true
  return bare.includes('**')
}

function unquoted(value: string): string {
  let bare = value
  while (quotes.has(bare.charAt(0))) {
    const inner = /^(["'`])(.*)\1$/s.exec(bare)?.[2]
    if (inner === undefined) return bare
    bare = inner.trim()
  }
  return bare
}
