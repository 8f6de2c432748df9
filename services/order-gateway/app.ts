import type express from 'express'
import { createAnswering, errorAnswer, type Answering } from '../runtime/answer'
import { createEdgeApp } from '../runtime/edge-app'
import { createReceiveFigures, type ReceiveFiguresOptions } from './receive-figures'
import { createReceiveOrders, type ReceiveOrdersOptions } from './receive-orders'
import { createReceiveSigned, type SignedOptions } from './receive-signed'

export type GatewayOptions = Answering &
  SignedOptions &
  ReceiveOrdersOptions &
  ReceiveFiguresOptions

/** The gateway's routes. Bodies stay raw bytes: the signature is over them. */
export function createGatewayApp(options: GatewayOptions): express.Express {
  const { listener } = createAnswering(options)
  const receive = createReceiveSigned(options)
  const receiveOrders = createReceiveOrders(receive, options)
  const receiveFigures = createReceiveFigures(receive, options)
  const notPost = errorAnswer(405, 'use POST', { headers: { allow: 'POST' } })
  return createEdgeApp(listener, (app) => {
    app
      .route('/orders/:source')
      .post((request, response) => {
        listener('/orders', () => receiveOrders(request, request.params.source))(request, response)
      })
      .all(listener('/orders', () => Promise.resolve(notPost)))
    app
      .route('/figures/:kind/:source')
      .post((request, response) => {
        const { kind, source } = request.params
        listener('/figures', () => receiveFigures(request, kind, source))(request, response)
      })
      .all(listener('/figures', () => Promise.resolve(notPost)))
  })
}
