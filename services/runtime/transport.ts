// How a process reaches Kafka and the registry: encrypted or not, as whom. Every service and script connects
// through here, so that none of them forgets a setting.
import { createSecureContext } from 'node:tls'
import type { z } from 'zod'
import { connectRegistry, type RegistryAccess, type SchemaDirectory } from './codec'
import type { kafkaSettings } from './config'
import { createKafka, type KafkaClient, type KafkaSecurity } from './kafka'
import { kafkaGuards } from './kafka-client'
import type { Logger } from './logger'
import { incomplete, refuse, superfluous, type GivenSettings } from './setting-faults'
import type { Metrics } from './metrics'

export type KafkaConfig = z.output<z.ZodObject<typeof kafkaSettings>>

export interface KafkaUser {
  readonly name: string
  readonly logger: Logger
  /** Not for commands, which nobody scrapes. */
  readonly metrics?: Metrics
}

/**
 * A client of the configured cluster; nothing is connected yet.
 * @throws SetupError naming every setting that is half given
 */
export function kafkaFrom(config: KafkaConfig, { name, logger, metrics }: KafkaUser): KafkaClient {
  const security = kafkaSecurity(config)
  if (security.sasl?.mechanism === 'plain' && security.tls === null) {
    logger.warn('KAFKA_TLS is off: the password of KAFKA_SASL_MECHANISM plain travels readable')
  }
  // So that the first time is an increase too.
  for (const guard of kafkaGuards) metrics?.kafkaGuards.inc({ guard }, 0)
  return createKafka({
    brokers: config.KAFKA_BROKERS,
    clientId: name,
    logger,
    security,
    onGuard: (guard) => metrics?.kafkaGuards.inc({ guard }),
  })
}

/** The schemas of the configured installation. @throws SetupError naming every setting that is half given */
export function registryFrom(config: KafkaConfig): SchemaDirectory {
  return connectRegistry(registryAccess(config), config.TOPIC_PREFIX)
}

/** @throws SetupError naming every setting that is half given */
export function kafkaSecurity(config: KafkaConfig): KafkaSecurity {
  const { KAFKA_TLS_CA: ca, KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key } = config
  const certificates = { KAFKA_TLS_CA: ca, KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key }
  const { KAFKA_SASL_MECHANISM, KAFKA_SASL_USER, KAFKA_SASL_PASSWORD } = config
  const login = { KAFKA_SASL_MECHANISM, KAFKA_SASL_USER, KAFKA_SASL_PASSWORD }
  refuse([
    ...(config.KAFKA_TLS ? [] : superfluous(certificates, 'KAFKA_TLS is not true')),
    ...incomplete({ KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key }),
    ...unusable({ KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key }),
    ...incomplete(login),
  ])
  const given = Object.entries({ ca, cert, key }).filter(([, text]) => text !== undefined)
  return {
    tls: config.KAFKA_TLS ? Object.fromEntries(given) : null,
    sasl:
      KAFKA_SASL_MECHANISM === undefined
        ? null
        : {
            mechanism: KAFKA_SASL_MECHANISM,
            username: KAFKA_SASL_USER ?? '',
            password: KAFKA_SASL_PASSWORD ?? '',
          },
  }
}

function registryAccess(config: KafkaConfig): RegistryAccess {
  const { REGISTRY_URL: url, REGISTRY_CA, REGISTRY_USER, REGISTRY_PASSWORD } = config
  refuse([
    ...(url.startsWith('https:') ? [] : superfluous({ REGISTRY_CA }, 'REGISTRY_URL is not https')),
    ...incomplete({ REGISTRY_USER, REGISTRY_PASSWORD }),
  ])
  return {
    url,
    ca: REGISTRY_CA ?? null,
    login:
      REGISTRY_USER === undefined
        ? null
        : { username: REGISTRY_USER, password: REGISTRY_PASSWORD ?? '' },
  }
}

function unusable({ KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key }: GivenSettings): string[] {
  if (cert === undefined || key === undefined) return []
  try {
    createSecureContext({ cert, key })
    return []
  } catch {
    return ['KAFKA_TLS_KEY: is not the unencrypted PEM key of KAFKA_TLS_CERT']
  }
}
