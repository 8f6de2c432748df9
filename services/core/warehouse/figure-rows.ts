// Figures, and what the ERP has in stock, as rows of their tables.
import { figurePrecedence, stockLevelPrecedence } from '../figures/figure-precedence'
import type { Figure } from '../figures/figure'
import type { AdSpend, LiveSession, ProductCost, SkuMapping, StockLevel } from '../records'
import type { Reject } from '../reject'
import { coordinateColumns, optionalTimeText, timeFault, timeText } from './row'
import type { Coordinates, Row } from './row'

export function liveSessionRow(session: LiveSession, coordinates: Coordinates): Row | Reject {
  const { started_at, ended_at, updated_at, accepted_at } = session
  return (
    timeFault({ started_at, ended_at, updated_at, accepted_at }) ?? {
      platform: session.platform,
      room: session.room,
      session: session.session,
      shop: session.shop,
      streamer: session.streamer,
      title: session.title,
      started_at: timeText(started_at),
      ended_at: optionalTimeText(ended_at),
      currency: session.currency,
      slot_fee_minor: session.slot_fee_minor,
      commission_basis_points: session.commission_basis_points,
      ...statedColumns(session),
      ...coordinateColumns(coordinates),
    }
  )
}

export function adSpendRow(spend: AdSpend, coordinates: Coordinates): Row | Reject {
  const { from_at, to_at, updated_at, accepted_at } = spend
  return (
    timeFault({ from_at, to_at, updated_at, accepted_at }) ?? {
      id: spend.id,
      from_at: timeText(from_at),
      to_at: timeText(to_at),
      platform: spend.platform,
      shop: spend.shop,
      channel: spend.channel,
      campaign: spend.campaign,
      room: spend.room,
      streamer: spend.streamer,
      currency: spend.currency,
      amount_minor: spend.amount_minor,
      ...statedColumns(spend),
      ...coordinateColumns(coordinates),
    }
  )
}

export function productCostRow(cost: ProductCost, coordinates: Coordinates): Row | Reject {
  const { valid_from, updated_at, accepted_at } = cost
  return (
    timeFault({ valid_from, updated_at, accepted_at }) ?? {
      sku: cost.sku,
      currency: cost.currency,
      valid_from: timeText(valid_from),
      cost_minor: cost.cost_minor,
      ...statedColumns(cost),
      ...coordinateColumns(coordinates),
    }
  )
}

export function skuMappingRow(mapping: SkuMapping, coordinates: Coordinates): Row | Reject {
  const { updated_at, accepted_at } = mapping
  return (
    timeFault({ updated_at, accepted_at }) ?? {
      platform: mapping.platform,
      shop: mapping.shop,
      platform_sku: mapping.platform_sku,
      sku: mapping.sku,
      pieces: mapping.pieces,
      ...statedColumns(mapping),
      ...coordinateColumns(coordinates),
    }
  )
}

export function stockLevelRow(level: StockLevel, coordinates: Coordinates): Row | Reject {
  const { read_at } = level
  return (
    timeFault({ read_at }) ?? {
      sku: level.sku,
      warehouse: level.warehouse,
      quantity: level.quantity,
      forecast: level.forecast,
      withdrawn: level.withdrawn,
      source: level.source,
      // Larger than a JavaScript number holds exactly: ClickHouse reads it from text.
      precedence: String(stockLevelPrecedence(level)),
      read_at: timeText(read_at),
      ...coordinateColumns(coordinates),
    }
  )
}

function statedColumns(figure: Figure): Row {
  return {
    withdrawn: figure.withdrawn,
    source: figure.source,
    precedence: String(figurePrecedence(figure)),
    updated_at: optionalTimeText(figure.updated_at),
    accepted_at: timeText(figure.accepted_at),
  }
}
