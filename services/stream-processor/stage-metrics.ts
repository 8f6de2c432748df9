// What the stream processor counts.
import { deadLetterHeaders } from '../core/topics'
import { countDeadLetters } from '../runtime/dead-letter'
import type { IncomingRecord, OutgoingRecord } from '../runtime/kafka'
import type { Metrics } from '../runtime/metrics'
import type { StageBatch } from './stage-batch'

interface BatchReport {
  readonly stage: string
  readonly records: readonly IncomingRecord[]
  readonly batch: StageBatch
  readonly outputs: readonly OutgoingRecord[]
  readonly seconds: number
}

export interface StageMetrics {
  batch(report: BatchReport): void
  /** Records between what was fetched last and the end of the input partition. */
  lag(topic: string, partition: number, records: number): void
  queued(stage: string, partition: number, records: number): void
  walked(stage: string, partition: number, step: Walked): void
  reopened(stage: string): void
}

/** One step of a walk through a partition's state. */
interface Walked {
  readonly values: readonly unknown[]
  /** The round has come to its end. */
  readonly ended: boolean
  /** How much of the round is done, 0 to 1. */
  readonly progress: number
  readonly settled: number
  /** Nodes at which our own rules failed. */
  readonly failed: number
  readonly epoch: number
  readonly settledEpoch: number
}

/** @param stages names of those that run here */
export function stageMetrics(metrics: Metrics, stages: readonly string[]): StageMetrics {
  const countLetters = countDeadLetters(metrics, stages)
  const seconds = metrics.histogram('batch_duration_seconds', 'Time of one batch', ['stage'])
  const loops = metrics.counter('loop_messages_total', 'Messages between nodes', ['stage', 'way'])
  const emitted = metrics.counter('emitted_records_total', 'Records written', ['stage', 'topic'])
  const lag = metrics.gauge('lag_records', 'Records not yet fetched', ['topic', 'partition'])
  const queued = metrics.gauge('queued_records', 'Records fetched and waiting', [
    'stage',
    'partition',
  ])
  const reopened = metrics.counter('reopened_tasks_total', 'Tasks opened again after a failure', [
    'stage',
  ])
  return {
    batch: ({ stage, records, batch, outputs, seconds: took }) => {
      seconds.observe({ stage }, took)
      metrics.records.inc({ stage, outcome: 'processed', reason: '' }, records.length)
      loops.inc({ stage, way: 'local' }, batch.counts.local)
      loops.inc({ stage, way: 'loop_topic' }, batch.loops.length)
      const counts = new Map<string, number>()
      for (const { topic, headers } of outputs) {
        counts.set(topic, (counts.get(topic) ?? 0) + 1)
        const reason = headers?.[deadLetterHeaders.reason]
        if (reason !== undefined) metrics.records.inc({ stage, outcome: 'rejected', reason })
      }
      for (const [topic, count] of counts) emitted.inc({ stage, topic }, count)
      countLetters(outputs)
    },
    lag: (topic, partition, records) => {
      lag.set({ topic, partition: String(partition) }, records)
    },
    queued: (stage, partition, records) => {
      queued.set({ stage, partition: String(partition) }, records)
    },
    walked: walkMetrics(metrics, stages),
    reopened: (stage) => {
      reopened.inc({ stage })
    },
  }
}

function walkMetrics(metrics: Metrics, stages: readonly string[]): StageMetrics['walked'] {
  const walkedEntries = metrics.counter('walked_entries_total', 'State entries looked after', [
    'stage',
  ])
  const rounds = metrics.counter('walk_rounds_total', 'Rounds through the state of a partition', [
    'stage',
  ])
  const recredited = metrics.counter(
    'recredited_nodes_total',
    'Nodes whose orders were looked at under new settings',
    ['stage'],
  )
  const failures = metrics.counter(
    'failed_nodes_total',
    'Nodes that could not be looked after, for a fault of our own; each is tried again in the next round',
    ['stage'],
  )
  for (const stage of stages) failures.inc({ stage }, 0)
  const walked = metrics.gauge('walk_progress_ratio', 'How much of the round is done', [
    'stage',
    'partition',
  ])
  const epochs = metrics.gauge('settings_epoch', 'Number of the settings in force', [
    'stage',
    'partition',
  ])
  const settledEpochs = metrics.gauge(
    'settled_epoch',
    'Number of the settings under which every order has been looked at',
    ['stage', 'partition'],
  )
  return (stage, partition, step) => {
    const { values, ended, progress, settled, failed, epoch, settledEpoch } = step
    const of = { stage, partition: String(partition) }
    walkedEntries.inc({ stage }, values.length)
    failures.inc({ stage }, failed)
    if (ended) rounds.inc({ stage })
    if (settledEpoch < epoch) recredited.inc({ stage }, settled)
    walked.set(of, progress)
    epochs.set(of, epoch)
    settledEpochs.set(of, settledEpoch)
  }
}
