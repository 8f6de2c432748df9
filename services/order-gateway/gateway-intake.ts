// The one way of everything the gateway takes: orders and figures share a producer and a spool.
import { figureTopics } from '../core/figures/figure'
import { orderInLedger } from '../core/ledger/tally'
import type { Order } from '../core/records'
import { goesTo, topics, type Placed } from '../core/topics'
import type { Intake } from '../runtime/intake'
import type { Service } from '../runtime/lifecycle'
import { openIntake, placing, type IntakeSettings } from '../runtime/open-intake'
import type { PlacedFigure } from './accept-figures'

export type GatewayTopic = typeof topics.orders | (typeof figureTopics)[keyof typeof figureTopics]

export interface GatewayIntake {
  readonly orders: Pick<Intake<Order>, 'keep'>
  readonly figures: Pick<Intake<PlacedFigure>, 'keep'>
}

/** @throws SetupError when topics or schemas are missing, or the spool cannot be used */
export async function openGatewayIntake(
  service: Service,
  config: IntakeSettings,
): Promise<GatewayIntake> {
  return gatewayIntake(
    await openIntake<GatewayTopic>(service, config, {
      topics: [topics.orders, ...Object.values(figureTopics)],
      kind: 'order',
      // Figures are no events: what is missing there shows in the table, and is stated again.
      inLedger: (placed) => (goesTo(placed, topics.orders) ? orderInLedger(placed.value) : null),
    }),
  )
}

export function gatewayIntake(intake: Pick<Intake<Placed<GatewayTopic>>, 'keep'>): GatewayIntake {
  return {
    orders: placing(intake, (value) => ({ topic: topics.orders, key: value.order_key, value })),
    figures: placing(
      intake,
      // A kind's figures are the values of its topic.
      ({ kind, key, figure }) =>
        ({ topic: figureTopics[kind], key, value: figure }) as Placed<GatewayTopic>,
    ),
  }
}
