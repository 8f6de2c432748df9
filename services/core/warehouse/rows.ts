// Every other record as one row of its table.
import { deadLetterHeaders, replayHeaders } from '../topics'
import type {
  DeadLetterOutcome,
  ErpDelivery,
  Finding,
  Identity,
  ModelTraining,
  StockPosition,
  Touchpoint,
} from '../records'
import type { Reject } from '../reject'
import { precedenceOf } from '../touchpoint-precedence'
import { evidenceTuple, firstFault } from './attributed-order-row'
import { coordinateColumns, optionalTimeText, timeFault, timeText } from './row'
import type { Coordinates, Row } from './row'

export function touchpointRow(touchpoint: Touchpoint, coordinates: Coordinates): Row | Reject {
  const { at, sent_at, accepted_at } = touchpoint
  return (
    timeFault({ at, sent_at, accepted_at }) ?? {
      source: touchpoint.source,
      id: touchpoint.id,
      // Larger than a JavaScript number holds exactly: ClickHouse reads it from text.
      precedence: String(precedenceOf(touchpoint)),
      type: touchpoint.type,
      at: timeText(at),
      sent_at: optionalTimeText(sent_at),
      accepted_at: timeText(accepted_at),
      identifiers: touchpoint.identifiers,
      channel: touchpoint.channel,
      platform: touchpoint.platform,
      shop: touchpoint.shop,
      room: touchpoint.room,
      streamer: touchpoint.streamer,
      video: touchpoint.video,
      sku: touchpoint.sku,
      campaign: touchpoint.campaign,
      campaign_source: touchpoint.campaign_source,
      medium: touchpoint.medium,
      content: touchpoint.content,
      term: touchpoint.term,
      link: touchpoint.link,
      placement: touchpoint.placement,
      page: touchpoint.page,
      referrer: touchpoint.referrer,
      shared_by: touchpoint.shared_by,
      ...coordinateColumns(coordinates),
    }
  )
}

export function identityRow(identity: Identity, coordinates: Coordinates): Row | Reject {
  return (
    firstFault(identity.evidence, ({ at }) => ({ 'evidence.at': at })) ?? {
      identifier: identity.identifier,
      version: identity.version,
      kind: identity.kind,
      person: identity.person,
      state: identity.state,
      evidence: identity.evidence.map(evidenceTuple),
      ...coordinateColumns(coordinates),
    }
  )
}

export function stockPositionRow(position: StockPosition, coordinates: Coordinates): Row | Reject {
  return (
    timeFault({ updated_at: position.updated_at }) ?? {
      order_key: position.order_key,
      sku: position.sku,
      version: position.version,
      warehouse: position.warehouse,
      quantity: position.quantity,
      reason: position.reason,
      updated_at: timeText(position.updated_at),
      ...coordinateColumns(coordinates),
    }
  )
}

export function erpDeliveryRow(delivery: ErpDelivery, coordinates: Coordinates): Row | Reject {
  const { accepted_at, delivered_at } = delivery
  return (
    timeFault({ accepted_at, delivered_at }) ?? {
      document_key: delivery.document_key,
      kind: delivery.kind,
      order_key: delivery.order_key,
      outcome: delivery.outcome,
      version: delivery.version,
      digest: delivery.digest,
      reference: delivery.reference,
      erp_id: delivery.erp_id,
      erp_state: delivery.erp_state,
      model: delivery.model,
      detail: delivery.detail,
      words: delivery.words,
      accepted_at: optionalTimeText(accepted_at),
      delivered_at: optionalTimeText(delivered_at),
      ...coordinateColumns(coordinates),
    }
  )
}

export function findingRow(finding: Finding, coordinates: Coordinates): Row {
  return {
    kind: finding.kind,
    subject: finding.subject,
    detail: finding.detail,
    ...coordinateColumns(coordinates),
  }
}

export interface DeadLetter {
  readonly headers: Readonly<Record<string, string>>
  /** Base64 of the original key and value; empty for none. */
  readonly key: string
  readonly value: string
}

/** Never rejects: a dead letter that could not be shown would come back as another dead letter, for ever. */
export function deadLetterRow({ headers, key, value }: DeadLetter, coordinates: Coordinates): Row {
  return {
    origin_topic: headers[deadLetterHeaders.topic] ?? '',
    origin_partition: wholeNumber(headers[deadLetterHeaders.partition]),
    origin_offset: wholeNumber(headers[deadLetterHeaders.offset]),
    stage: headers[deadLetterHeaders.stage] ?? '',
    reason: headers[deadLetterHeaders.reason] ?? '',
    detail: headers[deadLetterHeaders.detail] ?? '',
    replay_of: headers[replayHeaders.of] ?? '',
    record_key: key,
    record_value: value,
    ...coordinateColumns(coordinates),
  }
}

export function deadLetterOutcomeRow(
  decision: DeadLetterOutcome,
  coordinates: Coordinates,
): Row | Reject {
  const { letter, outcome, decided_by, why, decided_at } = decision
  return (
    timeFault({ decided_at }) ?? {
      ...{ letter, outcome, decided_by, why },
      decided_at: timeText(decided_at),
      ...coordinateColumns(coordinates),
    }
  )
}

export function modelTrainingRow(training: ModelTraining, coordinates: Coordinates): Row | Reject {
  const { valid_from, trained_at, window_from, window_to } = training
  return (
    timeFault({ valid_from, trained_at, window_from, window_to }) ?? {
      model: training.model,
      version: training.version,
      valid_from: timeText(valid_from),
      trained_at: timeText(trained_at),
      window_from: timeText(window_from),
      window_to: timeText(window_to),
      timeout_ms: training.timeout_ms,
      channels_max: training.channels_max,
      channels_folded: training.channels_folded,
      journeys: training.journeys,
      conversions: training.conversions,
      conversion_ppb: training.conversion_ppb,
      effects: training.effects.map(
        ({ channel, journeys, conversions, effect_ppb, weight_ppb }) => ({
          ...{ channel, journeys, conversions, effect_ppb, weight_ppb },
        }),
      ),
      transitions: training.transitions.map(({ from_state, to_state, times }) => ({
        ...{ from_state, to_state, times },
      })),
      unseen_ppb: training.unseen_ppb,
      ...coordinateColumns(coordinates),
    }
  )
}

function wholeNumber(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : -1
}
