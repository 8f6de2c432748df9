import type express from 'express'
import { createAnswering, errorAnswer, type Answering } from '../runtime/answer'
import { createEdgeApp } from '../runtime/edge-app'
import { createReceiveOrders, type ReceiveOptions } from './receive-orders'

/** The gateway's routes. Bodies stay raw bytes: the signature is over them. */
export function createGatewayApp(options: Answering & ReceiveOptions): express.Express {
  const { listener } = createAnswering(options)
  const receive = createReceiveOrders(options)
  const notPost = errorAnswer(405, 'use POST', { headers: { allow: 'POST' } })
  return createEdgeApp(listener, (app) => {
    app
      .route('/orders/:source')
      .post((request, response) => {
        listener('/orders', () => receive(request, request.params.source))(request, response)
      })
      .all(listener('/orders', () => Promise.resolve(notPost)))
  })
}
