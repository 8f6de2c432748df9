import { createEdgeGuard } from '../runtime/edge-guard'
import { createEdgeServer } from '../runtime/edge-server'
import { SetupError } from '../runtime/errors'
import { createIdentifierHash } from '../runtime/hash-identifier'
import { listen } from '../runtime/http'
import { runService } from '../runtime/lifecycle'
import { createPhoneReader } from '../runtime/read-phone'
import { createSeal } from '../runtime/seal'
import { createAcceptFigures } from './accept-figures'
import { createAcceptOrders } from './accept-orders'
import { createGatewayApp } from './app'
import { gatewaySettings } from './config'
import { openGatewayIntake } from './gateway-intake'
import { createReplays } from './replays'

void runService('order-gateway', gatewaySettings, async (service, config) => {
  const { logger, metrics } = service
  if (!config.SEAL_KEYS.has(config.SEAL_KEY_ID)) {
    throw new SetupError('configuration: SEAL_KEY_ID: not one of SEAL_KEYS')
  }
  const intake = await openGatewayIntake(service, config)
  const accept = createAcceptOrders({
    intake: intake.orders,
    tools: {
      hash: createIdentifierHash(config.IDENTIFIER_HASH_KEY),
      phone: createPhoneReader(config.DEFAULT_COUNTRY),
      seal: createSeal(config.SEAL_KEYS, config.SEAL_KEY_ID),
    },
    metrics,
    now: Date.now,
    ageMaxMs: config.ORDER_AGE_MAX_DAYS * 86_400_000,
  })
  const guard = createEdgeGuard(config, { logger, metrics, now: Date.now })
  const app = createGatewayApp({
    logger,
    metrics,
    sources: config.SOURCES,
    accept,
    acceptFigures: createAcceptFigures({ intake: intake.figures, metrics, now: Date.now }),
    replays: createReplays(config.REPLAYS_REMEMBERED_MAX, Date.now),
    now: Date.now,
    guard,
    bodyBytesMax: config.BODY_BYTES_MAX,
    ordersMax: config.ORDERS_MAX,
    figuresMax: config.FIGURES_MAX,
    signatureAgeMaxSeconds: config.SIGNATURE_AGE_MAX_SECONDS,
  })
  const server = createEdgeServer(app, guard)
  const listening = await listen(server, config.HOST, config.PORT)
  service.onStop(() => listening.close())
  logger.info({ port: listening.port }, 'listening')
})
