import { randomUUID } from 'node:crypto'
import { touchpointKey } from '../core/identity/node'
import { touchpointInLedger } from '../core/ledger/tally'
import { topics } from '../core/topics'
import { createEdgeGuard } from '../runtime/edge-guard'
import { createEdgeServer } from '../runtime/edge-server'
import { createIdentifierHash } from '../runtime/hash-identifier'
import { listen } from '../runtime/http'
import { runService } from '../runtime/lifecycle'
import { openIntake, placing } from '../runtime/open-intake'
import { createPhoneReader } from '../runtime/read-phone'
import { createAcceptEvents } from './accept-events'
import { collectorSettings } from './config'
import { createCollectorListener } from './listener'
import { createSourceFinder } from './sources'
import { createFindVisitor } from './visitor-cookie'

void runService('collector', collectorSettings, async (service, config) => {
  const { logger, metrics } = service
  const intake = await openIntake(service, config, {
    topics: [topics.touchpoints],
    kind: 'touchpoint',
    inLedger: ({ value }) => touchpointInLedger(value),
  })
  const accept = createAcceptEvents({
    intake: placing(intake, (value) => ({
      ...{ topic: topics.touchpoints, key: touchpointKey(value), value },
    })),
    tools: {
      hash: createIdentifierHash(config.IDENTIFIER_HASH_KEY),
      phone: createPhoneReader(config.DEFAULT_COUNTRY),
    },
    metrics,
    now: Date.now,
    mintId: randomUUID,
  })
  const guard = createEdgeGuard(config, { logger, metrics, now: Date.now })
  const listener = createCollectorListener({
    logger,
    metrics,
    sources: config.SOURCES,
    findSource: createSourceFinder(config.SOURCES),
    findVisitor: createFindVisitor(config),
    accept,
    guard,
    bodyBytesMax: config.BODY_BYTES_MAX,
    eventsMax: config.EVENTS_MAX,
  })
  const server = createEdgeServer(listener, guard)
  const listening = await listen(server, config.HOST, config.PORT)
  service.onStop(() => listening.close())
  logger.info({ port: listening.port }, 'listening')
})
