// The services of one run: reaching every part through its proxy, with time-outs that let minutes be enough.
import { join } from 'node:path'
import { environmentOf } from '../evening/environment'
import { operationsPortOf } from '../evening/ports'
import { serviceNames } from '../evening/company'
import { findFreePortNumbers } from '../../infra/local/config'
import { Crew } from './crew'
import type { Installation } from './installation'

/** Above what the local ERP takes for a batch of 20 on a busy machine. */
export const erpTimeoutMs = 8_000

/** And stations of the ledger that look within seconds: minutes go by before they do by default. */
const settings: Readonly<Partial<Record<string, Readonly<Record<string, string>>>>> = {
  'erp-sink': { ERP_TIMEOUT_MS: String(erpTimeoutMs), LEDGER_SALES_MS: '10000' },
  'stream-processor': { WALK_ROUND_MS: '5000' },
  'clickhouse-writer': { CLICKHOUSE_TIMEOUT_MS: '10000' },
}
const furtherProcesses = ['stream-processor-2', 'stream-processor-3'] as const

/** None of them is started yet. */
export async function assembleCrew(
  installation: Installation,
  options: { readonly dataDirectory: string; readonly database: string },
): Promise<Crew> {
  const { dataDirectory, database } = options
  const { stack, ports, secrets, kafka, registry, clickhouse, erp } = installation
  const registryPath = new URL(stack.registryUrl).pathname
  const premises = {
    ...{ ports, secrets, dataDirectory, database },
    addresses: {
      brokers: [kafka.address],
      registryUrl: `${registry.url}${registryPath}`,
      clickhouseUrl: clickhouse.url,
      erp: { ...stack.erp, url: erp.url },
    },
  }
  const found = await findFreePortNumbers(furtherProcesses.length)
  const further = new Map<string, number>(
    furtherProcesses.map((name, at) => [name, found[at] ?? 0]),
  )
  return new Crew({
    logsDirectory: join(dataDirectory, 'logs'),
    environment: (service, instance) => ({
      ...environmentOf(premises, service, instance),
      ...settings[service],
    }),
    operationsPort: (service, instance) =>
      further.get(instance) ?? operationsPortOf(ports, service),
  })
}

export function startAll(crew: Crew): void {
  for (const service of serviceNames) crew.start(service)
}
