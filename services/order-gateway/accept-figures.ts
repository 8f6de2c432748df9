// Figures → verdicts, the good ones made durable.
import type { Figure, FigureKind } from '../core/figures/figure'
import {
  figureFrom,
  inOrder,
  type FigureSource,
  type FigureVerdict,
} from '../core/figures/figure-from'
import type { Intake } from '../runtime/intake'
import type { Metrics } from '../runtime/metrics'
import { readFigure } from './read-figure'

export interface PlacedFigure {
  readonly kind: FigureKind
  readonly key: string
  readonly figure: Figure
}

export interface FiguresOptions {
  readonly intake: Pick<Intake<PlacedFigure>, 'keep'>
  readonly metrics: Metrics
  readonly now: () => number
}

/** The verdicts in the order of what was stated, or null when the good ones could not be kept: then none counts.
 * `repeated`: the very same request is durable already. */
export type AcceptFigures = (
  kind: FigureKind,
  stated: readonly unknown[],
  from: { readonly source: FigureSource; readonly repeated: boolean },
) => Promise<readonly FigureVerdict[] | null>

export function createAcceptFigures({ intake, metrics, now }: FiguresOptions): AcceptFigures {
  return async (kind, stated, { source, repeated }) => {
    const count = (outcome: string, reason: string, records = 1): void => {
      metrics.records.inc({ stage: kind, outcome, reason }, records)
    }
    const context = { source, acceptedAt: now() }
    const verdicts = inOrder(
      stated.map((one): FigureVerdict => {
        const reading = readFigure(kind, one)
        if ('message' in reading) return figureFrom(kind, reading.message, context)
        return { key: '', figure: null, faults: reading.faults }
      }),
    )
    const good = verdicts.flatMap(({ key, figure }) =>
      figure === null ? [] : [{ kind, key, figure }],
    )
    if (!repeated && good.length > 0 && (await intake.keep(good)) === 'unavailable') {
      count('unavailable', 'kafka', stated.length)
      return null
    }
    for (const { figure, faults } of verdicts) {
      if (figure === null) count('rejected', reasonOf(faults[0]))
      else count(repeated ? 'repeated' : 'accepted', '')
    }
    return verdicts
  }
}

/** A label of few values: the field, and one word for the names a source made up. */
function reasonOf(first: FigureVerdict['faults'][number] | undefined): string {
  if (first === undefined) return 'figure'
  return first.fault === 'unknown field' ? 'unknown_field' : first.field
}
