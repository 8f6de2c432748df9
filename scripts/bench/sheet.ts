// What a bench writes down: for every figure one value a round, and beside it the ceiling measured in the same round.

export interface Entry {
  readonly name: string
  readonly unit: string
  readonly value: number
  /** Name of the figure that bounds this one; its value of the same round is the divisor of the ratio. */
  readonly ceiling?: string
  /** What was aimed at, in words. */
  readonly aim?: string
}

export interface Figure {
  readonly name: string
  readonly unit: string
  readonly rounds: number
  readonly median: number
  readonly least: number
  readonly most: number
  /** Median of the ratios of single rounds: noise that both sides share falls out. */
  readonly ratio: { readonly to: string; readonly median: number } | null
  readonly aim: string | null
}

export class Sheet {
  readonly #entries = new Map<string, Entry[]>()
  readonly #settings: Record<string, number | string> = {}

  /** One value of one round; figures come out in the order in which they are first written down. */
  write(entry: Entry): void {
    const known = this.#entries.get(entry.name)
    if (known === undefined) this.#entries.set(entry.name, [entry])
    else known.push(entry)
  }

  /** What the figures depend on. */
  set(settings: Readonly<Record<string, number | string>>): void {
    Object.assign(this.#settings, settings)
  }

  settings(): Readonly<Record<string, number | string>> {
    return this.#settings
  }

  figures(): Figure[] {
    return [...this.#entries].map(([name, entries]) => {
      const values = entries.map(({ value }) => value)
      const { unit = '', ceiling, aim } = entries[0] ?? {}
      return {
        ...{ name, unit, rounds: values.length, median: medianOf(values) },
        ...{ least: Math.min(...values), most: Math.max(...values) },
        ratio: ceiling === undefined ? null : this.#ratio(values, ceiling),
        aim: aim ?? null,
      }
    })
  }

  #ratio(values: readonly number[], ceiling: string): Figure['ratio'] {
    const bounds = this.#entries.get(ceiling)?.map(({ value }) => value) ?? []
    const ratios = values.flatMap((value, round) => {
      const bound = bounds[round]
      return bound === undefined ? [] : [value / bound]
    })
    return ratios.length === 0 ? null : { to: ceiling, median: medianOf(ratios) }
  }
}

/** The middle value; the mean of the two in the middle of an even number. NaN of none. */
export function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5)
}

/** Between two values by their distance. NaN of none. */
export function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * quantile
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

/** Three significant digits, as more would be noise. */
export function rounded(value: number): number {
  if (!Number.isFinite(value)) return value
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3))
}

/** One line a figure, for people. */
export function printFigures(figures: readonly Figure[]): string[] {
  const rows = figures.map((figure) => {
    const { name, unit, median, least, most, rounds, ratio, aim } = figure
    const spread = rounds > 1 ? `${text(least)} … ${text(most)}` : ''
    const against = ratio === null ? '' : `${rounded(ratio.median)} of ${ratio.to}`
    return [name, text(median), unit, spread, against, aim === null ? '' : `aim: ${aim}`]
  })
  const widths = [0, 1, 2, 3, 4].map((at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 1 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

function text(value: number): string {
  return rounded(value).toLocaleString('en-US')
}
