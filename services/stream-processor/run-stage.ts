// Runs a stage of the topology on Kafka: one consumer that only fetches, and a runner for every partition
// assigned to it.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SchemaDirectory } from '../runtime/codec'
import { DependencyError } from '../runtime/errors'
import type { KafkaClient } from '../runtime/kafka'
import type { KafkaAdmin } from '../runtime/kafka-admin'
import type { Service } from '../runtime/lifecycle'
import { kafkaStageLog } from './kafka-stage-log'
import { dropUnusedStores, openLmdbStore } from './lmdb-store'
import type { RunnerLimits, RunnerOptions } from './partition-runner'
import { createPartitionRunners } from './partition-runners'
import type { AnyStage } from './stage-batch'
import type { StageMetrics } from './stage-metrics'
import type { StageRules } from './stage-rules'
import { wireStage, type StageWiring } from './stage-wiring'
import type { Census, WalkLimits } from './state-walk'

interface StageOptions {
  readonly service: Service
  readonly kafka: KafkaClient
  readonly admin: KafkaAdmin
  readonly registry: SchemaDirectory
  readonly metrics: StageMetrics
  readonly prefix: string
  readonly stateDirectory: string
  readonly sessionTimeoutMs: number
  readonly storeMaxAgeMs: number
  readonly transactionTimeoutMs: number
  readonly limits: RunnerLimits
  /** How often positions are told to the group, and what nobody needs is deleted. */
  readonly housekeepingMs: number
  readonly walk: WalkLimits & { readonly intervalMs: number }
  readonly openCensus: (partition: number) => Census
}

/** @returns what ends it. @throws SetupError before any record is read when the topics do not fit */
export async function runStage(
  rules: StageRules,
  options: StageOptions,
): Promise<() => Promise<void>> {
  const stage = rules.stageUnder(rules.text)
  const { service, kafka, admin } = options
  const wiring = await wireStage(stage, options)
  const cluster = await admin.clusterId()
  const runners = createPartitionRunners(runnerOptions({ rules, stage, wiring, cluster, options }))
  const groupId = `${options.prefix}${stage.name}`
  // Who has not been told its partitions does not know yet whether it can work on them.
  const joining = `group of ${stage.name}`
  service.health.unwell(joining, 'joining')
  const consumer = await kafka.runConsumer({
    groupId,
    topics: [...wiring.inputs, wiring.changelog],
    sessionTimeoutMs: options.sessionTimeoutMs,
    // Half the time of a batch: under a stream of few events the broker would answer for each of them.
    ...{ maxWaitMs: 25, minBytes: 16_384 },
    onAssigned: (assigned, consumer) => {
      runners.assign(assigned, consumer)
      service.health.well(joining)
    },
    onBatch: async (batch) => {
      try {
        await runners.hear(batch)
      } catch (error) {
        // What a dependency failed at is handed over again; nothing else may pass unheard.
        if (error instanceof DependencyError) throw error
        service.crash(error)
      }
    },
    onCrash: (error) => {
      service.crash(error)
    },
    preferredPartitions: () => partitionsOnDisk(options.stateDirectory, stage),
  })
  const stores = join(options.stateDirectory, stage.name)
  const timer = setInterval(() => {
    dropUnusedStores(stores, runners.held(), Date.now() - options.storeMaxAgeMs)
    runners.keepHouse(consumer, admin).catch((err: unknown) => {
      service.logger.warn({ stage: stage.name, err }, 'housekeeping failed')
    })
  }, options.housekeepingMs)
  const walking = setInterval(() => {
    runners.walk()
  }, options.walk.intervalMs)
  return async () => {
    clearInterval(timer)
    clearInterval(walking)
    // Before the group is left: whoever takes over must not find us still committing.
    await runners.close()
    await consumer.close()
  }
}

interface RunnerParts {
  readonly rules: StageRules
  readonly stage: AnyStage
  readonly wiring: StageWiring
  readonly cluster: string
  readonly options: StageOptions
}

function runnerOptions({
  rules,
  stage,
  wiring,
  cluster,
  options,
}: RunnerParts): Omit<RunnerOptions, 'partition' | 'consumer'> {
  const { service, kafka, admin, metrics, limits, stateDirectory, walk, openCensus } = options
  const { storeMaxAgeMs: maxAgeMs, transactionTimeoutMs, prefix } = options
  return {
    ...{ rules, stage, wiring, metrics, admin, limits, walk, openCensus },
    now: Date.now,
    health: service.health,
    logger: service.logger,
    crash: (error: unknown) => {
      service.crash(error)
    },
    openStore: (partition) =>
      openLmdbStore({
        directory: join(stateDirectory, stage.name, String(partition)),
        origin: `${cluster}/${wiring.changelog}/${partition}`,
        maxAgeMs,
        now: Date.now,
      }),
    openLog: (partition) =>
      kafkaStageLog({
        kafka,
        transactionalId: `${prefix}${stage.name}-${partition}`,
        transactionTimeoutMs,
        changelog: wiring.changelog,
        partition,
        marks: wiring.marks,
      }),
  }
}

function partitionsOnDisk(stateDirectory: string, stage: AnyStage): number[] {
  const directory = join(stateDirectory, stage.name)
  return existsSync(directory) ? readdirSync(directory).map(Number) : []
}
