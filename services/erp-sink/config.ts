import { z } from 'zod'
import { groupSettings, kafkaSettings, limit } from '../runtime/config'
import { jsonSetting } from '../runtime/edge-settings'
import { ledgerSettings } from '../runtime/ledger'
import { sealKeyRing } from '../runtime/seal-settings'
import type { StateSettings } from './partition-state'
import type { CatalogueSettings } from './tryton-catalogue'
import type { TrytonSettings } from './tryton-rpc'

const list = (text: string): string[] => text.split(',').map((item) => item.trim())

export const sinkSettings = {
  ...kafkaSettings,
  ...groupSettings,
  ...ledgerSettings,
  LEDGER_SALES_MS: limit(300_000, { min: 0 }).describe(
    'How often the ERP is read for the ledger, at a fifth of its time; 0 never',
  ),
  CONSUMER_GROUP: z.string().default('erp-sink').describe('Consumer group'),
  ERP_URL: z.url().describe('Address of the ERP (Tryton), without the database'),
  ERP_DATABASE: z.string().min(1).describe('Database of the ERP'),
  ERP_RPC_PATH: z
    .string()
    .default('/')
    .describe('Path after the database: / in Tryton 7.0, /rpc/ from 8.0 on'),
  ERP_USER: z.string().min(1).describe('User the sink works as; it needs few rights'),
  ERP_PASSWORD: z.string().min(1).describe('Its password; or ERP_PASSWORD_FILE'),
  ERP_TIMEOUT_MS: limit(30_000).describe('Longest wait for one answer of the ERP'),
  ERP_CACHE_MS: limit(600_000).describe('How long ids of products and the like are believed'),
  ERP_BATCH_MAX: limit(20, { max: 200 }).describe('Most orders in one call'),
  SEAL_KEYS: jsonSetting(sealKeyRing).describe(
    'JSON: {key id: base64 of 32 bytes}, every key that orders still to come may be sealed with; or SEAL_KEYS_FILE',
  ),
  PUSH_KINDS: z
    .string()
    .default('sale')
    .transform(list)
    .describe(
      'Kinds of order the ERP gets as sales, separated by commas; the stock stage must agree',
    ),
  PUSH_ON: z
    .enum(['paid', 'created'])
    .default('paid')
    .describe('When the ERP gets an order; the stock stage must agree'),
  SOURCE_MODEL: z
    .string()
    .default('last_non_direct')
    .describe('Attribution model whose largest credit names the source of a sale'),
  FREIGHT_SKU: z.string().default('SHIPPING').describe('Service product for freight'),
  ROUNDING_SKU: z
    .string()
    .default('ROUNDING')
    .describe('Service product for what prices leave over'),
  REFUND_SKU: z.string().default('REFUND').describe('Service product for money without goods'),
  WAREHOUSE: z.string().default('WH').describe('Code of the warehouse for orders naming none'),
  RESERVED_LOCATION: z
    .string()
    .default('RESERVED')
    .describe('Code of the stock location for goods reserved without a sale'),
  SETTLE_MS: limit(30_000, { min: 0 }).describe(
    'How long an order may go on changing before it is delivered',
  ),
  STOCK_FLUSH_MS: limit(5_000).describe('Shortest time between two stock deltas of one partition'),
  STOCK_LEVELS_MS: limit(60_000, { min: 0 }).describe(
    'How long to rest between two readings of what the ERP has in stock; 0 reads none',
  ),
  STOCK_PAGE_PRODUCTS: limit(100, { max: 1_000 }).describe(
    'Products whose stock is read in one go',
  ),
  STOCK_PRODUCTS_MAX: limit(100_000).describe(
    'Most products whose stock is read; of an ERP with more nothing is taken as gone',
  ),
  PENDING_MAX: limit(1_000).describe(
    'Most orders of a partition that wait; beyond, reading pauses',
  ),
  REMEMBERED_MAX: limit(20_000).describe('Most delivered orders of a partition kept in memory'),
}

export type SinkConfig = z.output<z.ZodObject<typeof sinkSettings>>

export function trytonSettings(config: SinkConfig): TrytonSettings {
  return {
    url: config.ERP_URL,
    database: config.ERP_DATABASE,
    path: config.ERP_RPC_PATH,
    user: config.ERP_USER,
    password: config.ERP_PASSWORD,
    timeoutMs: config.ERP_TIMEOUT_MS,
  }
}

export function catalogueSettings(config: SinkConfig): CatalogueSettings {
  return {
    warehouse: config.WAREHOUSE,
    reservedLocation: config.RESERVED_LOCATION,
    serviceSkus: [config.FREIGHT_SKU, config.ROUNDING_SKU, config.REFUND_SKU],
    cacheMs: config.ERP_CACHE_MS,
  }
}

export function stateSettings(config: SinkConfig): StateSettings {
  return {
    document: {
      kinds: config.PUSH_KINDS,
      on: config.PUSH_ON,
      model: config.SOURCE_MODEL,
      freightSku: config.FREIGHT_SKU,
      roundingSku: config.ROUNDING_SKU,
    },
    settleMs: config.SETTLE_MS,
    rememberedMax: config.REMEMBERED_MAX,
    ownerTimeoutMs: config.ERP_TIMEOUT_MS + config.SESSION_TIMEOUT_MS,
  }
}
