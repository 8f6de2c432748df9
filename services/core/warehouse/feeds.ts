// Which topic fills which table, and how a record becomes a row.
import { touchpointTopicRow, type ReadAt } from '../ledger/topic-record-row'
import type { Reject } from '../reject'
import { topics, type Topic, type ValueOf } from '../topics'
import { attributedOrderRow } from './attributed-order-row'
import {
  adSpendRow,
  liveSessionRow,
  productCostRow,
  skuMappingRow,
  stockLevelRow,
} from './figure-rows'
import {
  deadLetterOutcomeRow,
  erpDeliveryRow,
  findingRow,
  identityRow,
  modelTrainingRow,
  stockPositionRow,
  touchpointRow,
} from './rows'
import type { Coordinates, Row } from './row'

export interface Feed<T extends Topic = Topic> {
  readonly topic: T
  readonly table: string
  /** Somebody watches this table while a room is on air. What is not gathers for longer under load. */
  readonly urgent: boolean
  rowOf(value: ValueOf<T>, coordinates: Coordinates): Row | Reject
  /** When the edge took over what this record is fresh news of; null where that says nothing of freshness. */
  acceptedAtOf(value: ValueOf<T>): number | null
  /** Of the topics the edges write: the record as the ledger sees it; null for one that cannot be decoded. */
  ledgerRowOf?(value: ValueOf<T> | null, at: ReadAt): Row
}

function feed<T extends Topic>(definition: Feed<T>): Feed<T> {
  return definition
}

export const feeds: readonly Feed[] = [
  feed({
    topic: topics.touchpoints,
    table: 'touchpoints',
    urgent: true,
    rowOf: touchpointRow,
    acceptedAtOf: ({ accepted_at }) => accepted_at,
    ledgerRowOf: touchpointTopicRow,
  }),
  feed({
    topic: topics.attributedOrders,
    table: 'attributed_orders',
    urgent: true,
    rowOf: attributedOrderRow,
    // A version made by a late touch or a merge is news of that, not of the order.
    acceptedAtOf: ({ cause, order }) => (cause === 'snapshot' ? order.accepted_at : null),
  }),
  feed({
    topic: topics.identities,
    table: 'identities',
    urgent: false,
    rowOf: identityRow,
    acceptedAtOf: () => null,
  }),
  feed({
    topic: topics.stockPositions,
    table: 'stock_positions',
    urgent: true,
    rowOf: stockPositionRow,
    acceptedAtOf: () => null,
  }),
  feed({
    topic: topics.erpDeliveries,
    table: 'erp_deliveries',
    urgent: false,
    rowOf: erpDeliveryRow,
    acceptedAtOf: () => null,
  }),
  feed({
    topic: topics.findings,
    table: 'findings',
    urgent: false,
    rowOf: findingRow,
    acceptedAtOf: () => null,
  }),
  feed({
    topic: topics.deadLetterOutcomes,
    table: 'dead_letter_outcomes',
    urgent: false,
    rowOf: deadLetterOutcomeRow,
    acceptedAtOf: () => null,
  }),
  feed({
    topic: topics.liveSessions,
    table: 'live_sessions',
    urgent: true,
    rowOf: liveSessionRow,
    acceptedAtOf: ({ accepted_at }) => accepted_at,
  }),
  feed({
    topic: topics.adSpend,
    table: 'ad_spend',
    urgent: true,
    rowOf: adSpendRow,
    acceptedAtOf: ({ accepted_at }) => accepted_at,
  }),
  feed({
    topic: topics.productCosts,
    table: 'product_costs',
    urgent: false,
    rowOf: productCostRow,
    acceptedAtOf: ({ accepted_at }) => accepted_at,
  }),
  feed({
    topic: topics.skuMappings,
    table: 'sku_mappings',
    urgent: false,
    rowOf: skuMappingRow,
    acceptedAtOf: ({ accepted_at }) => accepted_at,
  }),
  feed({
    topic: topics.stockLevels,
    table: 'stock_levels',
    urgent: true,
    rowOf: stockLevelRow,
    acceptedAtOf: ({ read_at }) => read_at,
  }),
  feed({
    topic: topics.modelTrainings,
    table: 'trained_models',
    urgent: false,
    rowOf: modelTrainingRow,
    acceptedAtOf: () => null,
  }),
]

/** The table of the dead-letter topic, whose values are raw bytes and which is therefore no feed. */
export const deadLettersTable = 'dead_letters'
