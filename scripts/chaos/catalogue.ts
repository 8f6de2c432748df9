// Every fault there is, and which are played one after another in one run.
import { SetupError } from '../../services/runtime/errors'
import { seededRandom } from '../evening/random'
import { dependencyFaults } from './dependency-faults'
import { kafkaFaults } from './kafka-faults'
import { processFaults } from './process-faults'
import type { Fault } from './scene'

export interface Length {
  /** How long ClickHouse is away. */
  readonly awayMs: number
}

export function allFaults({ awayMs }: Length): readonly Fault[] {
  return [...processFaults, ...kafkaFaults, ...dependencyFaults(awayMs)]
}

/** The runs of `npm run chaos`: what is done to our processes, to the broker, to everything else. */
export function fullRuns(
  length: Length,
): { readonly name: string; readonly faults: readonly (readonly Fault[])[] }[] {
  const alone = (faults: readonly Fault[]): (readonly Fault[])[] => faults.map((fault) => [fault])
  return [
    { name: 'processes', faults: alone(processFaults) },
    { name: 'broker', faults: alone(kafkaFaults) },
    { name: 'dependencies', faults: alone(dependencyFaults(length.awayMs)) },
  ]
}

/** The short cut: what breaks most, at once where one fault does not hide another. */
export function shortRun(): readonly (readonly Fault[])[] {
  const together = [
    ['kill-stream-processor', 'kill-clickhouse-writer', 'kill-erp-sink', 'half-open-clickhouse'],
    ['kill-kafka', 'kill-collector', 'kill-order-gateway'],
    ['cut-kafka', 'clickhouse-answers-lost', 'erp-nonsense'],
  ]
  return together.map((names) => names.map((name) => faultOf(name)))
}

/** @throws SetupError naming the faults there are */
export function faultOf(name: string, length: Length = { awayMs: 10_000 }): Fault {
  const faults = allFaults(length)
  const found = faults.find((fault) => fault.name === name)
  if (found !== undefined) return found
  throw new SetupError(
    `--fault ${name}: there is none; one of ${faults.map((fault) => fault.name).join(', ')}`,
  )
}

/** As many draws as asked for, each of one fault or of two that do not meet. */
export function drawFaults(seed: number, draws: number): readonly (readonly Fault[])[] {
  const random = seededRandom(seed)
  const faults = allFaults({ awayMs: 10_000 })
  return Array.from({ length: draws }, () => {
    const first = random.pick(faults)
    const beside = faults.filter(({ parts }) => !parts.some((part) => first.parts.includes(part)))
    return random.chance(0.6) ? [first, random.pick(beside)] : [first]
  })
}
