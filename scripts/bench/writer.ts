// The clickhouse-writer on a backlog of touchpoints: rows a second, each touchpoint being a row of its table and one of the
// ledger's. Ceilings: the client alone with the same rows; ClickHouse's own Kafka engine, which knows no exactly once.
import type { Warehouse } from '../../services/runtime/clickhouse'
import type { Bench, BenchOrder } from './bench'
import { runChild } from './child'
import type { InsertFigures, InsertPlan } from './bare-inserts'
import { fill } from './fill'
import { usualMix } from './mix'
import { database, onSite, partitions, type Site } from './site'

/** Between two questions how far it is. */
const questionMs = 250

export const writerBench: Bench = {
  name: 'writer',
  says: 'rows/s from Kafka into ClickHouse, beside the client alone with the same rows, and what a million cost',
  run: (order) => onSite(['kafka', 'registry', 'clickhouse'], (site) => measure(site, order)),
}

async function measure(site: Site, { sheet, rounds, quick, say }: BenchOrder): Promise<void> {
  const persons = quick ? 2_500 : 100_000
  await site.provision('')
  const warehouse = await site.migrate()
  const { touchpoints } = await fill(site, '', { ...usualMix, persons, buyersEvery: 0 })
  const [version] = await warehouse.query<{ version: string }>('SELECT version() AS version')
  sheet.set({ touchpoints, partitions, clickhouse: version?.version ?? '' })
  const unit = 'rows/s'
  const perMillion = 'CPU s per million rows'
  for (let round = 0; round < rounds; round += 1) {
    const own = await drain(site, { round, touchpoints })
    say(`the writer took ${own.seconds.toFixed(1)} s`)
    const name = `bare${round}`
    await site.migrate(name)
    const bare = await runChild<InsertFigures>('bare-inserts', {
      ...{ url: site.stack.clickhouseUrl, database: name, records: touchpoints },
      rowsPerInsert: own.rowsPerInsert,
    } satisfies InsertPlan)
    say(`the client alone took ${bare.seconds.toFixed(1)} s`)
    const ceiling = 'client alone'
    sheet.write({ name: ceiling, unit, value: bare.rows / bare.seconds })
    const aim = '>= 0.6 of it'
    sheet.write({ name: 'writer', unit, value: own.rows / own.seconds, ceiling, aim })
    const cpu = (bare.cpuSeconds / bare.rows) * 1e6
    sheet.write({ name: 'CPU of client alone', unit: perMillion, value: cpu })
    sheet.write({
      ...{ name: 'CPU of writer', unit: perMillion, value: (own.cpuSeconds / own.rows) * 1e6 },
      ceiling: 'CPU of client alone',
    })
    sheet.write({ name: 'rows per insert', unit: 'rows', value: own.rowsPerInsert })
    const engine = await drainByEngine(site, { warehouse, round, touchpoints })
    if (engine === null) sheet.set({ kafka_engine: 'not in this build of ClickHouse' })
    else sheet.write({ name: 'Kafka engine, no ledger, at least once', unit, value: engine })
  }
}

interface Drained extends InsertFigures {
  readonly rowsPerInsert: number
}

interface Work {
  readonly round: number
  readonly touchpoints: number
}

async function drain(site: Site, { round, touchpoints }: Work): Promise<Drained> {
  const name = `${database}_${round}`
  await site.migrate(name)
  const run = site.launch('clickhouse-writer', {
    ...{ CLICKHOUSE_URL: site.stack.clickhouseUrl, CLICKHOUSE_DATABASE: name },
    ...{ CONSUMER_GROUP: `writer-${round}`, LEDGER_LOOK_MS: '0' },
  })
  await run.untilReady()
  const began = performance.now()
  const cpuBefore = run.cpuSeconds()
  await run.until(
    async () => (await run.metric('rows_total', ['table="touchpoints"'])) >= touchpoints,
    questionMs,
  )
  const figures = {
    seconds: (performance.now() - began) / 1_000,
    cpuSeconds: run.cpuSeconds() - cpuBefore,
    rows: await run.metric('rows_total'),
    rowsPerInsert: Math.round(
      touchpoints / (await run.metric('inserts_total', ['table="touchpoints"'])),
    ),
  }
  await run.stop()
  return figures
}

/** @returns rows a second; null where this build of ClickHouse has no such engine */
async function drainByEngine(
  site: Site,
  { warehouse, round, touchpoints }: Work & { readonly warehouse: Warehouse },
): Promise<number | null> {
  const [engine] = await warehouse.query(
    "SELECT name FROM system.table_engines WHERE name = 'Kafka'",
  )
  if (engine === undefined) return null
  const table = `${database}.engine_${round}`
  const columns = 'source String, id String, type String, at DateTime64(3), channel String'
  await warehouse.command(
    `CREATE TABLE ${table} (${columns}) ENGINE = MergeTree ORDER BY (source, id)`,
  )
  await warehouse.command(
    `CREATE TABLE ${table}_queue (${columns}) ENGINE = Kafka SETTINGS
       kafka_broker_list = '${site.stack.brokers.join(',')}', kafka_topic_list = 'touchpoints',
       kafka_group_name = 'engine-${round}', kafka_format = 'AvroConfluent', kafka_num_consumers = 2,
       format_avro_schema_registry_url = '${site.stack.registryUrl}'`,
  )
  const began = performance.now()
  await warehouse.command(
    `CREATE MATERIALIZED VIEW ${table}_view TO ${table} AS SELECT * FROM ${table}_queue`,
  )
  for (let rows = 0; rows < touchpoints;) {
    const [count] = await warehouse.query<{ rows: number }>(`SELECT count() AS rows FROM ${table}`)
    rows = count?.rows ?? 0
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const seconds = (performance.now() - began) / 1_000
  await warehouse.command(`DROP TABLE ${table}_view`)
  await warehouse.command(`DROP TABLE ${table}_queue`)
  return touchpoints / seconds
}
