import { topics } from '../core/topics'
import { createEdgeServer } from '../runtime/answer'
import { SetupError } from '../runtime/errors'
import { createIdentifierHash } from '../runtime/hash-identifier'
import { listen } from '../runtime/http'
import { runService } from '../runtime/lifecycle'
import { openIntake } from '../runtime/open-intake'
import { createPhoneReader } from '../runtime/read-phone'
import { createSeal } from '../runtime/seal'
import { createAcceptOrders } from './accept-orders'
import { createGatewayApp } from './app'
import { gatewaySettings } from './config'
import { createReplays } from './replays'

void runService('order-gateway', gatewaySettings, async (service, config) => {
  const { logger, metrics } = service
  if (!config.SEAL_KEYS.has(config.SEAL_KEY_ID)) {
    throw new SetupError('configuration: SEAL_KEY_ID: not one of SEAL_KEYS')
  }
  const intake = await openIntake(service, config, {
    topic: topics.orders,
    keyOf: (order) => order.order_key,
  })
  const accept = createAcceptOrders({
    intake,
    tools: {
      hash: createIdentifierHash(config.IDENTIFIER_HASH_KEY),
      phone: createPhoneReader(config.DEFAULT_COUNTRY),
      seal: createSeal(config.SEAL_KEYS, config.SEAL_KEY_ID),
    },
    metrics,
    now: Date.now,
    ageMaxMs: config.ORDER_AGE_MAX_DAYS * 86_400_000,
  })
  const app = createGatewayApp({
    logger,
    metrics,
    sources: config.SOURCES,
    accept,
    replays: createReplays(config.REPLAYS_REMEMBERED_MAX, Date.now),
    now: Date.now,
    bodyBytesMax: config.BODY_BYTES_MAX,
    ordersMax: config.ORDERS_MAX,
    signatureAgeMaxSeconds: config.SIGNATURE_AGE_MAX_SECONDS,
  })
  const server = createEdgeServer(app, {
    headerBytesMax: config.HEADER_BYTES_MAX,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    keepAliveMs: config.KEEP_ALIVE_MS,
    connectionsMax: config.CONNECTIONS_MAX,
  })
  const listening = await listen(server, config.HOST, config.PORT)
  service.onStop(() => listening.close())
  logger.info({ port: listening.port }, 'listening')
})
