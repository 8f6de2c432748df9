import type { Warehouse } from '../../services/runtime/clickhouse'
import {
  applyMigrations,
  assertMigrated,
  readMigrations,
} from '../../services/clickhouse-writer/migrations'
import type { AttributedOrder } from '../../services/core/records'
import { attributedOrderRow } from '../../services/core/warehouse/attributed-order-row'
import type { Row } from '../../services/core/warehouse/row'
import {
  deadLetterRow,
  erpDeliveryRow,
  findingRow,
  identityRow,
  stockPositionRow,
  touchpointRow,
} from '../../services/core/warehouse/rows'
import { isReject, type Reject } from '../../services/core/reject'
import { aJourneyTouch, anOrder, aTouchpoint, evening, hourMs } from '../given'
import { aCredit, anAttributedOrder, nextVersion } from '../support/attributed-order'
import { aDatabase, connectTo, dropWarehouse, openWarehouse } from '../support/warehouse'

let warehouse: Warehouse
let written = 0

beforeAll(async () => {
  warehouse = await openWarehouse('tables')
})

afterAll(async () => {
  await dropWarehouse(warehouse)
})

const coordinates = { topic: 'some-topic', partition: 0, offset: 0, timestampMs: evening }

function at(offset: number): typeof coordinates {
  return { ...coordinates, offset }
}

function accepted(row: Row | Reject): Row {
  if (isReject(row)) throw new Error(row.detail)
  return row
}

async function write(table: string, rows: readonly Row[], token?: string): Promise<void> {
  written += 1
  const insert = { table, rows, token: token ?? `token-${written}` }
  expect(await warehouse.insert(insert)).toBeNull()
}

async function writeOrders(orders: readonly AttributedOrder[], token?: string): Promise<void> {
  const rows = orders.map((order, index) => accepted(attributedOrderRow(order, at(index))))
  await write('attributed_orders', rows, token)
}

async function emptyOrders(): Promise<void> {
  const rollUps = ['credit_hours', 'credit_minutes', 'credit_days']
  for (const table of ['attributed_orders', 'orders', ...rollUps]) {
    await warehouse.command(`TRUNCATE TABLE ${warehouse.database}.${table}`)
  }
}

function select<Result>(sql: string): Promise<Result[]> {
  return warehouse.query<Result>(sql.replaceAll('db.', `${warehouse.database}.`))
}

const hours = `SELECT model, toString(hour) AS hour, channel, currency, sum(amount_minor) AS amount,
  sum(weight_ppb) AS weight, sum(credits) AS credits FROM db.credit_hours
  GROUP BY model, hour, channel, currency HAVING amount != 0 OR weight != 0 OR credits != 0
  ORDER BY ALL`

const hoursFromOrders = `SELECT model, toString(toStartOfHour(assumeNotNull(converted_at))) AS hour,
  channel, currency, sum(amount_minor) AS amount, sum(weight_ppb) AS weight,
  toInt64(count()) AS credits
  FROM db.credits WHERE converted_at IS NOT NULL GROUP BY ALL ORDER BY ALL`

test('every column of every table and view says what it holds', async () => {
  const silent = await select(
    `SELECT table, name FROM system.columns WHERE database = '${warehouse.database}' AND comment = ''
     AND table NOT IN (SELECT name FROM system.tables
       WHERE database = '${warehouse.database}' AND engine = 'MaterializedView')`,
  )
  expect(silent).toEqual([])
})

test('every table and view says what a row of it is', async () => {
  const silent = await select(
    `SELECT name FROM system.tables WHERE database = '${warehouse.database}' AND comment = ''`,
  )
  expect(silent).toEqual([])
})

test('every table in which a row twice would count twice remembers its inserts', async () => {
  // What the ledger says of itself is replaced by what it says next, and findings are repeated anyhow.
  const forgetful = await select(
    `SELECT name FROM system.tables WHERE database = '${warehouse.database}'
     AND engine LIKE '%MergeTree' AND name NOT IN ('schema_migrations', 'ledger_findings')
     AND NOT (name LIKE 'ledger_%' AND engine = 'ReplacingMergeTree')
     AND create_table_query NOT LIKE '%non_replicated_deduplication_window = 1000%'`,
  )
  expect(forgetful).toEqual([])
})

test('a database several processes migrate at once is migrated once', async () => {
  const layout = aDatabase('migrations')
  const connections = [connectTo(layout), connectTo(layout), connectTo(layout)]
  const [first] = connections
  if (first === undefined) throw new Error('no connection')
  await Promise.all(connections.map((connection) => applyMigrations(connection, layout)))
  await assertMigrated(first)
  expect(await applyMigrations(first, layout)).toEqual([])
  await Promise.all(connections.slice(1).map((connection) => connection.close()))
  await dropWarehouse(first)
})

test('a database that lacks migrations is refused, with the way out', async () => {
  const bare = connectTo(aDatabase('bare'))
  await expect(assertMigrated(bare)).rejects.toThrow(
    /lacks 0000-schema-migrations\.sql, .* run npm run migrate/,
  )
  await bare.close()
})

test('a migration that was changed after it was applied is refused by name', async () => {
  const changed = readMigrations().map((migration) =>
    migration.number === 1 ? { ...migration, checksum: 'another' } : migration,
  )
  await expect(assertMigrated(warehouse, changed)).rejects.toThrow(
    /^0001-touchpoints\.sql: changed/,
  )
})

test('the roll-up follows an order through late touches, a refund and a move of its hour', async () => {
  await emptyOrders()
  const first = anAttributedOrder({
    credits: [
      aCredit({ model: 'first', amount_minor: 10_000 }),
      aCredit({ model: 'linear', amount_minor: 3_333, weight_ppb: 333_333_333 }),
      aCredit({ model: 'linear', amount_minor: 6_667, weight_ppb: 666_666_667, channel: 'direct' }),
    ],
  })
  const second = nextVersion(first, {
    credits: [aCredit({ model: 'first', channel: 'wechat.group' }), aCredit({ model: 'linear' })],
  })
  const third = nextVersion(second, {
    converted_at: evening + 2 * hourMs,
    net_minor: 4_000,
    credits: [
      aCredit({ model: 'first', channel: 'wechat.group', amount_minor: 4_000 }),
      aCredit({ model: 'linear', amount_minor: 4_000 }),
    ],
  })
  const other = anAttributedOrder({ order: anOrder({ order_id: '2' }) })
  await writeOrders([first, other])
  await writeOrders([second])
  await writeOrders([third])
  const sums = await select(hours)
  expect(sums).toEqual(await select(hoursFromOrders))
  expect(sums).toHaveLength(3)
})

test('an order that stops counting leaves nothing in the roll-up', async () => {
  await emptyOrders()
  const paid = anAttributedOrder()
  await writeOrders([paid])
  await writeOrders([nextVersion(paid, { converted_at: null, credits: [] })])
  expect(await select(hours)).toEqual([])
})

test('a batch repeated under its token is summed once', async () => {
  await emptyOrders()
  const batch = [anAttributedOrder(), anAttributedOrder({ order: anOrder({ order_id: '2' }) })]
  await writeOrders(batch, 'repeated')
  await writeOrders(batch, 'repeated')
  expect(await select('SELECT count() AS n FROM db.attributed_orders')).toEqual([{ n: 2 }])
  expect(await select(hours)).toEqual(await select(hoursFromOrders))
  expect(await select('SELECT sum(credits) AS n FROM db.credit_hours')).toEqual([{ n: 2 }])
})

test.each(['credit_hours', 'credit_days'])(
  'a batch that reached the table but not %s reaches it when it is repeated',
  async (rollUp) => {
    await emptyOrders()
    const feed = `${warehouse.database}.${rollUp}_feed`
    const [definition] = await select<{ sql: string }>(
      `SELECT create_table_query AS sql FROM system.tables
       WHERE database = '${warehouse.database}' AND name = '${rollUp}_feed'`,
    )
    const sums = (): Promise<unknown> =>
      select(`SELECT channel, sum(amount_minor) AS amount FROM db.${rollUp} GROUP BY channel`)
    await warehouse.command(`DROP TABLE ${feed}`)
    await writeOrders([anAttributedOrder()], `half-way-${rollUp}`)
    expect(await sums()).toEqual([])
    await warehouse.command(definition?.sql ?? '')
    await writeOrders([anAttributedOrder()], `half-way-${rollUp}`)
    expect(await select('SELECT count() AS n FROM db.attributed_orders')).toEqual([{ n: 1 }])
    expect(await select(hours)).toEqual(await select(hoursFromOrders))
    expect(await sums()).toEqual(
      await select(`SELECT channel, sum(amount_minor) AS amount FROM db.credits GROUP BY channel`),
    )
  },
)

test('credits, journeys and orders show the newest version only, whatever was written last', async () => {
  await emptyOrders()
  const first = anAttributedOrder({ version: 2 ** 32 + 1 })
  const second = nextVersion(first, {
    journey: [aJourneyTouch(), aJourneyTouch({ id: 'touch-2', counted: false, reason: 'other' })],
    credits: [aCredit({ model: 'first' }), aCredit({ model: 'last', channel: 'wechat.group' })],
    net_minor: 10_000,
  })
  await writeOrders([second])
  await writeOrders([first])
  expect(
    await select('SELECT model, channel, amount_minor, weight FROM db.credits ORDER BY model'),
  ).toEqual([
    { model: 'first', channel: 'douyin.video', amount_minor: 10_000, weight: 1 },
    { model: 'last', channel: 'wechat.group', amount_minor: 10_000, weight: 1 },
  ])
  expect(
    await select('SELECT position, touchpoint_id, counted, reason FROM db.journeys ORDER BY ALL'),
  ).toEqual([
    { position: 1, touchpoint_id: 'touch-1', counted: true, reason: 'eligible' },
    { position: 2, touchpoint_id: 'touch-2', counted: false, reason: 'other' },
  ])
  expect(
    await select(
      'SELECT version, cause, gross_minor, net_minor, touches, touches_counted FROM db.orders_current',
    ),
  ).toEqual([
    {
      version: 2 ** 32 + 2,
      cause: 'touch',
      gross_minor: 10_000,
      net_minor: 10_000,
      touches: 2,
      touches_counted: 1,
    },
  ])
})

test('of touchpoints with one id readers see the earliest accepted, whatever came first', async () => {
  const early = aTouchpoint({ id: 'twice', accepted_at: evening, channel: 'early' })
  const late = aTouchpoint({ id: 'twice', accepted_at: evening + 1, channel: 'late' })
  await write('touchpoints', [accepted(touchpointRow(early, at(1)))])
  await write('touchpoints', [accepted(touchpointRow(late, at(2)))])
  expect(await select("SELECT channel FROM db.touchpoints_current WHERE id = 'twice'")).toEqual([
    { channel: 'early' },
  ])
})

test('an identifier belongs to the person of its newest version', async () => {
  const identity = {
    identifier: 'visitor:v1',
    kind: 'visitor',
    person: 'visitor:v1',
    state: 'member',
    evidence: [{ identifiers: ['phone:p1', 'visitor:v1'], source: 'web', id: 'e1', at: evening }],
    version: 1,
  }
  await write('identities', [
    accepted(identityRow({ ...identity, version: 2, person: 'phone:p1' }, at(2))),
  ])
  await write('identities', [accepted(identityRow(identity, at(1)))])
  expect(
    await select('SELECT identifier, person, state, seen_with FROM db.identities_current'),
  ).toEqual([
    { identifier: 'visitor:v1', person: 'phone:p1', state: 'member', seen_with: ['phone:p1'] },
  ])
})

test('inventory deltas are the differences of positions, for each warehouse by itself', async () => {
  const position = {
    order_key: 'douyin:shop:1',
    sku: 'A',
    warehouse: 'w1',
    quantity: 3,
    reason: 'unpaid',
    updated_at: evening,
    version: 1,
  }
  const positions = [
    position,
    { ...position, version: 2, quantity: 0, reason: 'released' },
    { ...position, warehouse: 'w2', quantity: 2 },
    { ...position, warehouse: 'w2', version: 2, quantity: 5 },
  ].map((each, index) => accepted(stockPositionRow(each, at(index))))
  await write('stock_positions', positions)
  await write('stock_positions', positions.slice(1, 2))
  expect(
    await select(
      'SELECT version, warehouse, delta FROM db.inventory_deltas ORDER BY warehouse, version',
    ),
  ).toEqual([
    { version: 1, warehouse: 'w1', delta: 3 },
    { version: 2, warehouse: 'w1', delta: -3 },
    { version: 1, warehouse: 'w2', delta: 2 },
    { version: 2, warehouse: 'w2', delta: 3 },
  ])
  expect(
    await select('SELECT warehouse, quantity FROM db.stock_positions_current ORDER BY warehouse'),
  ).toEqual([
    { warehouse: 'w1', quantity: 0 },
    { warehouse: 'w2', quantity: 5 },
  ])
})

test('a document shows what became of it last', async () => {
  const delivery = {
    document_key: 'douyin:shop:1',
    kind: 'order',
    order_key: 'douyin:shop:1',
    outcome: 'planned',
    version: 1,
    digest: 'd',
    reference: 'r',
    erp_id: '',
    erp_state: '',
    model: 'last',
    detail: '{}',
    words: '',
    accepted_at: evening,
    delivered_at: null,
  }
  await write('erp_deliveries', [
    accepted(erpDeliveryRow({ ...delivery, outcome: 'delivered', delivered_at: evening }, at(8))),
    accepted(erpDeliveryRow(delivery, at(7))),
  ])
  expect(await select('SELECT outcome FROM db.erp_deliveries_current')).toEqual([
    { outcome: 'delivered' },
  ])
})

test('a record buried twice is one dead letter', async () => {
  const letter = {
    headers: { 'tributary-topic': 't', 'tributary-partition': '1', 'tributary-offset': '5' },
    key: '',
    value: 'AAE=',
  }
  await write('dead_letters', [deadLetterRow(letter, at(1))])
  await write('dead_letters', [deadLetterRow(letter, at(2))])
  expect(await select('SELECT origin_offset, record_value FROM db.dead_letters FINAL')).toEqual([
    { origin_offset: 5, record_value: 'AAE=' },
  ])
})

test('a finding is kept', async () => {
  const finding = { subject: 'phone:p9', kind: 'hub', detail: '9 accounts' }
  await write('findings', [findingRow(finding, at(1))])
  expect(await select('SELECT subject, kind, detail FROM db.findings FINAL')).toEqual([finding])
})

test('two runs with the same outcome have the same digests, whatever their versions and offsets', async () => {
  const digests = 'SELECT name, rows, digest FROM db.table_digests ORDER BY name'
  const order = anAttributedOrder()
  const other = anAttributedOrder({ order: anOrder({ order_id: '2' }) })
  await emptyOrders()
  await writeOrders([order, other])
  const undisturbed = await select(digests)

  await emptyOrders()
  const wrong = anAttributedOrder({ credits: [aCredit({ channel: 'direct' })], version: 7 })
  await writeOrders([other])
  await writeOrders([wrong])
  await writeOrders([nextVersion(wrong, { credits: order.credits, cause: 'merge' })])
  expect(await select(digests)).toEqual(undisturbed)
  await writeOrders([nextVersion(wrong, { version: 9, credits: [aCredit({ amount_minor: 1 })] })])
  expect(await select(digests)).not.toEqual(undisturbed)
})

test('a row that does not fit is refused as data, without the words that quote it', async () => {
  const row = accepted(touchpointRow(aTouchpoint(), coordinates))
  const refusal = await warehouse.insert({
    table: 'touchpoints',
    rows: [row, { ...row, at: 'yesterday' }],
    token: 'misfit',
  })
  expect(refusal?.code).toBeGreaterThan(0)
  expect(Object.keys(refusal ?? {})).toEqual(['code', 'name'])
})

test('a table that is gone is not the fault of the rows', async () => {
  await expect(
    warehouse.insert({ table: 'no_such_table', rows: [{ a: 1 }], token: 'nowhere' }),
  ).rejects.toMatchObject({ name: 'DependencyError', dependency: 'clickhouse' })
})
