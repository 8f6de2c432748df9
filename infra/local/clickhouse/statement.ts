// Reads as much of a SQL text as its transport needs: where the first statement ends, which format it asks for, and
// where the data of an INSERT begins. Everything else is the engine's to parse and to refuse.

export interface Statement {
  /** First word, upper case: SELECT, INSERT, CREATE … Empty for a text without words. */
  readonly verb: string
  /** The format the statement names itself, or null. */
  readonly format: string | null
  /** Offset of the first byte of an INSERT's data, or null when the statement carries none. */
  readonly dataAt: number | null
  /** Offset of the first character of a second statement, or null when there is none. */
  readonly secondAt: number | null
}

interface Token {
  readonly kind: 'word' | 'quoted' | 'symbol'
  readonly text: string
  readonly end: number
}

/** @param text one character per byte (latin1), so that offsets are byte offsets whatever follows the statement */
export function readStatement(text: string): Statement {
  let verb = ''
  let format: string | null = null
  let selects = false
  let depth = 0
  let previous = ''
  let position = 0
  for (let token = nextToken(text, 0); token; token = nextToken(text, position)) {
    position = token.end
    const word = token.kind === 'word' ? token.text.toUpperCase() : ''
    verb ||= word
    if (token.text === '(') depth += 1
    if (token.text === ')') depth -= 1
    if (token.text === ';') {
      return { verb, format, dataAt: null, secondAt: startAfter(text, position) }
    }
    if (depth === 0) {
      selects ||= word === 'SELECT' || word === 'WITH'
      if (previous === 'FORMAT' && token.kind === 'word') format = token.text
      const opensData = verb === 'INSERT' && (previous === 'FORMAT' || word === 'VALUES')
      if (opensData && !(selects && readsNoInput(text, position))) {
        if (word !== 'VALUES') {
          return { verb, format, dataAt: startOfData(text, position), secondAt: null }
        }
        if (startAfter(text, position) === null) {
          return { verb, format: 'Values', dataAt: text.length, secondAt: null }
        }
      }
    }
    previous = word
  }
  return { verb, format, dataAt: null, secondAt: null }
}

// `INSERT … SELECT … FROM input(…) FORMAT X` takes data as well; other INSERT … SELECT do not.
function readsNoInput(text: string, end: number): boolean {
  return !/\binput\s*\(/i.test(text.slice(0, end))
}

function startAfter(text: string, position: number): number | null {
  let token = nextToken(text, position)
  while (token?.text === ';') token = nextToken(text, token.end)
  return token ? token.end - token.text.length : null
}

// After `FORMAT X` the engine skips blanks and one line end; binary data may begin with any byte.
function startOfData(text: string, position: number): number {
  return (
    position +
    (/^[ \t\f]*(?:;[ \t\f]*)?(?:\r?\n)?/.exec(text.slice(position, position + 256))?.[0].length ??
      0)
  )
}

const blanks = /(?:\s+|--[^\n]*|#[! ][^\n]*|\/\*[^]*?\*\/)*/y
const words = /[A-Za-z_][A-Za-z0-9_]*|[0-9][A-Za-z0-9_.]*/y
const quotes = /'(?:[^'\\]+|\\[^]|'')*'?|"(?:[^"\\]+|\\[^]|"")*"?|`(?:[^`\\]+|\\[^]|``)*`?/y
const heredocs = /\$([A-Za-z0-9_]*)\$[^]*?\$\1\$/y

function nextToken(text: string, from: number): Token | null {
  const start = endOf(blanks, text, from) ?? from
  if (start >= text.length) return null
  const word = endOf(words, text, start)
  if (word !== null) return { kind: 'word', text: text.slice(start, word), end: word }
  const quoted = endOf(quotes, text, start) ?? endOf(heredocs, text, start)
  if (quoted !== null) return { kind: 'quoted', text: text.slice(start, quoted), end: quoted }
  return { kind: 'symbol', text: text.charAt(start), end: start + 1 }
}

function endOf(pattern: RegExp, text: string, from: number): number | null {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex : null
}
