// POST /figures/:kind/:source: a signed figure or a list of them.
import type { IncomingMessage } from 'node:http'
import { figureKinds } from '../core/figures/figure'
import { errorAnswer, type Answer } from '../runtime/answer'
import type { AcceptFigures } from './accept-figures'
import { notTaken, verdictAnswer, type ReceiveSigned } from './receive-signed'

export interface ReceiveFiguresOptions {
  readonly acceptFigures: AcceptFigures
  readonly figuresMax: number
}

const noun = 'figures'

export function createReceiveFigures(
  receive: ReceiveSigned,
  { acceptFigures, figuresMax }: ReceiveFiguresOptions,
): (request: IncomingMessage, kindName: string, sourceName: string) => Promise<Answer> {
  return async (request, kindName, sourceName) => {
    const kind = figureKinds.find((one) => one === kindName)
    if (kind === undefined) {
      return errorAnswer(404, `no such kind of figures: there are ${figureKinds.join(', ')}`)
    }
    const expected = { kind, noun, entriesMax: figuresMax }
    const received = await receive(request, sourceName, expected)
    if ('status' in received) return received
    const { source, entries, repeated } = received
    if (!source.figures.includes(kind)) return errorAnswer(403, `this source may send no ${kind}`)
    const { name, orders: scope } = source
    const verdicts = await acceptFigures(kind, entries, { source: { name, scope }, repeated })
    if (verdicts === null) return notTaken()
    if (verdicts.every(({ figure }) => figure !== null)) received.remember()
    const shown = verdicts.map(({ key, figure, faults }) => ({
      taken: figure !== null,
      shown: { key },
      faults,
    }))
    return verdictAnswer(shown, { noun, repeated })
  }
}
