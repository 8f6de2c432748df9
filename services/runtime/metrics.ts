// One prom-client registry per process. Names: attribution_<service>_<noun>_<unit>[_total].
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly registry: Registry
  /** Records by what became of them: the one counter every service has. */
  readonly records: Counter<'stage' | 'outcome' | 'reason'>
  /** How often a guard around the Kafka client had to act. */
  readonly kafkaGuards: Counter<'guard'>
  counter<Label extends string>(
    name: string,
    help: string,
    labels?: readonly Label[],
  ): Counter<Label>
  gauge<Label extends string>(name: string, help: string, labels?: readonly Label[]): Gauge<Label>
  /** A gauge of what is read when somebody asks: it costs nothing where it changes. */
  reading(name: string, help: string, read: () => number): void
  /** Durations in seconds. */
  histogram<Label extends string>(
    name: string,
    help: string,
    labels?: readonly Label[],
  ): Histogram<Label>
}

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export function createMetrics(service: string): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const prefix = `attribution_${service.replaceAll('-', '_')}_`
  const registers = [registry]
  const counter: Metrics['counter'] = (name, help, labelNames = []) =>
    new Counter({ name: prefix + name, help, labelNames: [...labelNames], registers })
  return {
    registry,
    records: counter('records_total', 'Records by stage, outcome and reason', [
      'stage',
      'outcome',
      'reason',
    ]),
    kafkaGuards: counter(
      'kafka_guards_total',
      'Faults of the way to Kafka that were mended, by what was done',
      ['guard'],
    ),
    counter,
    gauge: (name, help, labelNames = []) =>
      new Gauge({ name: prefix + name, help, labelNames: [...labelNames], registers }),
    reading: (name, help, read) => {
      new Gauge({
        ...{ name: prefix + name, help, registers },
        collect() {
          this.set(read())
        },
      })
    },
    histogram: (name, help, labelNames = []) =>
      new Histogram({
        name: prefix + name,
        help,
        labelNames: [...labelNames],
        buckets: secondsBuckets,
        registers,
      }),
  }
}
