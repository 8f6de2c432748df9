// Spools of a test in a directory that goes with it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { createMetrics, type Metrics } from '../../services/runtime/metrics'
import { openSpool, type Spool, type SpoolOptions } from '../../services/runtime/spool'
import { createSpoolMetrics } from '../../services/runtime/spool-metrics'
import type { AcceptedRecord } from '../../services/runtime/spool-frame'

const directories: string[] = []
const spools: Spool[] = []
afterEach(async () => {
  for (const spool of spools.splice(0)) await spool.close()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

export function spoolDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-spool-test-'))
  directories.push(directory)
  return join(directory, 'touchpoints')
}

export interface OpenedSpool {
  readonly spool: Spool
  readonly metrics: Metrics
  readonly logged: () => string
}

/** Closed after the test, unless it was before. */
export async function openTestSpool(
  directory: string,
  limits: Partial<Pick<SpoolOptions, 'bytesMax' | 'segmentBytes' | 'waitingBytesMax'>> = {},
): Promise<OpenedSpool> {
  const metrics = createMetrics('bench')
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) })
  const spool = await openSpool({
    directory,
    bytesMax: 1_000_000,
    ...limits,
    metrics: createSpoolMetrics(metrics),
    logger,
    now: Date.now,
  })
  spools.push(spool)
  return { spool, metrics, logged: () => lines.join('') }
}

/** Whatever the spool holds, oldest first; it is empty afterwards. */
export async function drain(spool: Spool): Promise<AcceptedRecord[]> {
  const drained: AcceptedRecord[] = []
  for (;;) {
    const segment = await spool.oldest()
    if (segment === null) return drained
    drained.push(...segment.records)
    await segment.remove()
  }
}

export async function valueOf(metrics: Metrics, name: string): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(`attribution_bench_${name}`)?.get()
  const [first] = metric?.values ?? []
  const count = metric?.values.find(
    (value) => 'metricName' in value && value.metricName === `${metric.name}_count`,
  )
  return (count ?? first)?.value ?? 0
}
