// Figures as they are stated → verdicts. The import judges with it too, before it sends anything.
import type { FigureKind } from '../core/figures/figure'
import {
  figureFrom,
  inOrder,
  type FigureContext,
  type FigureVerdict,
} from '../core/figures/figure-from'
import { readFigure } from './read-figure'

/** The verdicts in the order of what was stated. */
export function judgeFigures(
  kind: FigureKind,
  stated: readonly unknown[],
  context: FigureContext,
): FigureVerdict[] {
  const verdicts = stated.map((one): FigureVerdict => {
    const reading = readFigure(kind, one)
    if ('message' in reading) return figureFrom(kind, reading.message, context)
    return { key: '', figure: null, faults: reading.faults }
  })
  return inOrder(verdicts)
}
