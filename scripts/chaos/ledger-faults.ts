// What the ledger has against a run: what it cannot explain, and stations that have not looked since the run came to rest,
// without which it proves nothing.
import type { Look } from '../../services/runtime/ledger-look'

/** @param since by ClickHouse's clock, epoch milliseconds */
export function ledgerFaults({ differences, onDisk, marks }: Look, since: number): string[] {
  const lookedAt = {
    'accepted (collector)': marks.toldAt('touchpoint'),
    'accepted (order-gateway)': marks.toldAt('order'),
    'topic (touchpoints)': marks.topicReadUntil('touchpoint'),
    'topic (orders)': marks.topicReadUntil('order'),
    attributed: marks.census.countedFrom,
    erp: marks.erpReadAt,
  }
  return [
    ...Object.entries(lookedAt)
      .filter(([, at]) => at < since)
      .map(
        ([station]) => `ledger, station ${station}: it has not looked since the run came to rest`,
      ),
    ...[...differences, ...onDisk].map(
      ({ kind, source, station, fault, records, ids }) =>
        `ledger, station ${station}: ${records} records of ${kind} ${source} ${fault}, for example ${ids.slice(0, 3).join(', ')}`,
    ),
  ]
}
