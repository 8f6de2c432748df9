// POST /orders/:source: a signed order snapshot or a list of them.
import type { IncomingMessage } from 'node:http'
import { errorAnswer, type Answer } from '../runtime/answer'
import type { AcceptOrders } from './accept-orders'
import { notTaken, verdictAnswer, type ReceiveSigned } from './receive-signed'

export interface ReceiveOrdersOptions {
  readonly accept: AcceptOrders
  readonly ordersMax: number
}

const noun = 'orders'

export function createReceiveOrders(
  receive: ReceiveSigned,
  { accept, ordersMax }: ReceiveOrdersOptions,
): (request: IncomingMessage, sourceName: string) => Promise<Answer> {
  const expected = { kind: noun, noun, entriesMax: ordersMax }
  return async (request, sourceName) => {
    const received = await receive(request, sourceName, expected)
    if ('status' in received) return received
    const { source, entries, repeated } = received
    if (source.orders === null) return errorAnswer(403, 'this source may send no orders')
    const verdicts = await accept(entries, { source: source.orders, repeated })
    if (verdicts === null) return notTaken()
    // An order refused for being ahead of its time may be right when the same request comes again.
    if (verdicts.every(({ order }) => order !== null)) received.remember()
    const shown = verdicts.map(({ orderKey, order, faults, warnings }) => ({
      taken: order !== null,
      shown: { order_key: orderKey },
      ...{ faults, warnings },
    }))
    return verdictAnswer(shown, { noun, repeated })
  }
}
