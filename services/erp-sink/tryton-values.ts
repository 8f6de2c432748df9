// The typed values of Tryton's JSON-RPC. It would take a float for money and a string for a date without a
// word, so nothing here is sent untyped.

export interface TrytonDecimal {
  readonly __class__: 'Decimal'
  readonly decimal: string
}

export interface TrytonDate {
  readonly __class__: 'date'
  readonly year: number
  readonly month: number
  readonly day: number
}

/** An integer as a decimal with `digits` places: (12345, 2) is 123.45. */
export function decimal(units: number, digits: number): TrytonDecimal {
  const whole = String(Math.abs(units)).padStart(digits + 1, '0')
  const point = whole.length - digits
  const text = digits === 0 ? whole : `${whole.slice(0, point)}.${whole.slice(point)}`
  return { __class__: 'Decimal', decimal: units < 0 ? `-${text}` : text }
}

/** A decimal as a whole number of its 10^-digits; null when it has more places or is no decimal. */
export function unitsOf(value: unknown, digits: number): number | null {
  if (typeof value !== 'object' || value === null || !('decimal' in value)) return null
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/.exec(String(value.decimal))
  if (match === null) return null
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const shift = digits - fraction.length + Number(exponent)
  const figures = whole + fraction
  const cut = shift < 0 ? figures.slice(shift) : ''
  if (/[1-9]/.test(cut)) return null
  const units = Number(shift < 0 ? figures.slice(0, shift) || '0' : figures + '0'.repeat(shift))
  return sign === '-' && units !== 0 ? -units : units
}

/** The calendar day of an instant at the company, whose days are what the ERP counts in. */
export function dateAt(atMs: number, timeZone: string): TrytonDate {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(atMs)
  const [year = 0, month = 0, day = 0] = parts.split('-').map(Number)
  return { __class__: 'date', year, month, day }
}
