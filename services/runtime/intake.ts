// Decides how a record that an edge has accepted becomes durable: acknowledged by Kafka or, while Kafka is away
// or too slow, flushed to the spool on this machine's disk. A record sent in vain may have been written all the
// same; then it reaches the topic twice with the same id, and counts once.
import { createBreaker, failureWithin, type BreakerOptions } from './breaker'
import { tolerating, type Health } from './health'
import type { LedgerTicket } from './ledger-edge'
import type { Metrics } from './metrics'
import type { Outlet } from './outlet'
import { replaySpool } from './replay-spool'
import type { Spool } from './spool'
import type { AcceptedRecord } from './spool-frame'

export interface Intake<Value> {
  /** Resolves 'kept' once nothing short of losing the brokers, or this machine's disk, loses these records, and
   * 'unavailable' when that cannot be said in time: the client must send them again. */
  keep(values: readonly Value[]): Promise<'kept' | 'unavailable'>
  close(): void
}

export interface IntakeOptions<Value> {
  /** How a value is written; its headers are the intake's to add. */
  readonly recordOf: (value: Value) => Omit<AcceptedRecord, 'headers'>
  readonly outlet: Outlet
  readonly spool: Pick<Spool, 'append' | 'oldest'>
  /** Numbers what is taken over, and hears what became durable. */
  readonly ledger?: { take(values: readonly Value[]): LedgerTicket }
  /** Longest a client waits for Kafka, and for the disk. */
  readonly timeoutMs: number
  readonly health: Health
  readonly metrics: Metrics
}

/*
 * Direct: records go to Kafka. The first that fails or takes too long ends it; whoever waits goes to the spool too.
 * Spooling: records go to the spool at once, so that an outage costs nobody a wait but the first. What Kafka
 * acknowledges, a replayed batch or the one live request allowed to try now and then, makes it direct again.
 * New records then pass the spool by: nothing behind the edge depends on their order, and they should not wait for an
 * hour of spool. The spool cannot starve: its batches queue for the same producer as theirs, one after the other.
 */
export function createIntake<Value>(options: IntakeOptions<Value>): Intake<Value> {
  const { recordOf, outlet, spool, timeoutMs, health } = options
  const metrics = intakeMetrics(options.metrics)
  const queued = 'Bytes waiting for Kafka or under way'
  options.metrics.reading('queued_bytes', queued, () => outlet.queuedBytes())
  const breaker = createBreaker({ timeoutMs, ...degrading(health) })
  const replay = replaySpool({
    spool,
    health: tolerating(health),
    send: (records) => outlet.send(records),
    onReplayed: (records) => {
      metrics.replayed.inc(records)
      metrics.records.inc(records)
      breaker.close()
    },
  })
  replay.wake()

  const acknowledged = (records: readonly AcceptedRecord[], startedAt: number): void => {
    metrics.seconds.observe((performance.now() - startedAt) / 1000)
    metrics.batches.inc({ outcome: 'kept' })
    metrics.records.inc(records.length)
  }
  const toSpool = async (records: readonly AcceptedRecord[]): Promise<boolean> => {
    const patience = { dependency: 'spool', timeoutMs }
    const failure = await failureWithin(patience, spool.append(records))
    metrics.batches.inc({ outcome: failure === null ? 'spooled' : 'unavailable' })
    if (failure !== null) {
      health.unwell('spool', failure.message)
      breaker.hurry()
      return false
    }
    health.well('spool')
    metrics.spooled.inc(records.length)
    replay.wake()
    return true
  }
  const accepted = (value: Value, stamp: LedgerTicket['headers'][number] = {}): AcceptedRecord => ({
    ...recordOf(value),
    headers: stamp,
  })
  return {
    async keep(values) {
      const ticket = options.ledger?.take(values)
      const records = values.map((value, index) => accepted(value, ticket?.headers[index]))
      const startedAt = performance.now()
      if (await breaker.attempt(() => outlet.send(records))) acknowledged(records, startedAt)
      else if (!(await toSpool(records))) return 'unavailable'
      ticket?.accepted()
      return 'kept'
    },
    close: () => {
      replay.close()
    },
  }
}

/** While Kafka is away the edge is degraded, naming what it was that failed; while Kafka is there, a spool without
 * room is no fault. */
function degrading(health: Health): Pick<BreakerOptions, 'onOpen' | 'onClose'> {
  const away = new Set<string>()
  return {
    onOpen: ({ dependency, message }) => {
      away.add(dependency)
      health.degraded(dependency, message)
    },
    onClose: () => {
      for (const dependency of away) health.well(dependency)
      away.clear()
      health.well('spool')
    },
  }
}

function intakeMetrics(metrics: Metrics) {
  return {
    seconds: metrics.histogram('produce_seconds', 'Time until Kafka acknowledged'),
    batches: metrics.counter('produces_total', 'Batches made durable or not, by outcome', [
      'outcome',
    ]),
    records: metrics.counter('produced_records_total', 'Records Kafka acknowledged'),
    spooled: metrics.counter('spooled_records_total', 'Records flushed to the spool'),
    replayed: metrics.counter('spool_replayed_records_total', 'Records replayed from the spool'),
  }
}
