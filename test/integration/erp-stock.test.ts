// What a real ERP has in stock, on its way to the topic; orders beside it.
import { topics } from '../../services/core/topics'
import type { StockLevel } from '../../services/core/records'
import { createTrytonErp } from '../../services/erp-sink/tryton-erp'
import type { ErpPort } from '../../services/erp-sink/erp-port'
import { keepStock } from '../../services/erp-sink/keep-stock'
import type { TrytonRpc } from '../../services/erp-sink/tryton-rpc'
import { DependencyError } from '../../services/runtime/errors'
import { coalesce } from '../../services/runtime/kafka-coalescing'
import { createLogger } from '../../services/runtime/logger'
import { createMetrics } from '../../services/runtime/metrics'
import { TestBroker, type Watched } from '../support/broker'
import { stackFromEnvironment } from '../support/stack'
import { rpcAs, startErp, type RunningErp } from '../support/start-erp'
import { until } from '../support/until'

let running: RunningErp
let admin: TrytonRpc
let erp: ErpPort
let broker: TestBroker
let levels: Watched<StockLevel>
const releases: (() => unknown)[] = []

beforeAll(async () => {
  running = await startErp()
  admin = rpcAs(running.admin)
  const settings = {
    ...{ warehouse: 'WH', reservedLocation: 'RESERVED', serviceSkus: [], cacheMs: 60_000 },
  }
  erp = createTrytonErp(rpcAs(running.sink), settings, Date.now)
}, 120_000)

afterAll(async () => {
  await running.remove()
})

beforeEach(async () => {
  broker = await new TestBroker(stackFromEnvironment()).open()
  levels = await broker.watch(topics.stockLevels)
})

afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
  await broker.close()
})

/** The part of the sink that reads the stock, as a process of its own would run it. */
async function run(
  changes: { readonly erp?: Pick<ErpPort, 'stockPage'>; readonly owns?: () => boolean } = {},
) {
  const metrics = createMetrics('erp-sink')
  const own: (() => unknown)[] = []
  const options = { flushMs: 1, queueBytesMax: 1_000_000, sendRecordsMax: 500 }
  const producer = coalesce(await broker.kafka.connectProducer(), options)
  own.push(() => producer.close())
  keepStock(
    { onStop: (release) => own.push(release), logger: createLogger('test', 'silent'), metrics },
    {
      config: {
        ...{ STOCK_LEVELS_MS: 100, STOCK_PAGE_PRODUCTS: 20, STOCK_PRODUCTS_MAX: 1_000 },
        ...{ ERP_DATABASE: 'erp', TOPIC_PREFIX: broker.prefix },
      },
      sink: { owns: changes.owns ?? (() => true) },
      erp: changes.erp ?? erp,
      ...{ kafka: broker.kafka, producer },
      codec: await broker.registry.topicCodec(topics.stockLevels),
    },
  )
  const stop = async (): Promise<void> => {
    for (const release of own.splice(0).reverse()) await release()
  }
  releases.push(stop)
  const readings = async (outcome: string): Promise<number> => {
    const { values } = (await metrics.registry
      .getSingleMetric('attribution_erp_sink_stock_readings_total')
      ?.get()) ?? { values: [] }
    return values.find(({ labels }) => labels['outcome'] === outcome)?.value ?? 0
  }
  return { stop, readings }
}

/** How many levels were ever published, as the broker has it. */
async function said(): Promise<number> {
  const bounds = await (await broker.admin()).bounds(broker.prefix + topics.stockLevels.name)
  return bounds.reduce((sum, { high }) => sum + high, 0)
}

const of = (sku: string): StockLevel[] =>
  levels.records.map(({ value }) => value).filter((level) => level.sku === sku)

async function idOf(model: string, domain: unknown): Promise<number> {
  const params = [domain, 0, null, null, ['id']]
  const [found] = (await admin.ask(`model.${model}.search_read`, params)) as { id: number }[]
  if (found === undefined) throw new Error(`no ${model}`)
  return found.id
}

/** Counts what is in a warehouse. */
async function count(sku: string, quantity: number): Promise<void> {
  const storage = await admin.ask('model.stock.location.search_read', [
    [
      ['type', '=', 'warehouse'],
      ['code', '=', 'WH'],
    ],
    ...[0, null, null],
    ['storage_location'],
  ])
  const [{ storage_location: location } = { storage_location: 0 }] = storage as {
    storage_location: number
  }[]
  const product = await idOf('product.product', [['code', '=', sku]])
  const now = new Date()
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth() + 1, now.getUTCDate()]
  const [inventory] = (await admin.ask('model.stock.inventory.create', [
    [
      {
        company: await idOf('company.company', []),
        location,
        date: { __class__: 'date', year, month, day },
        empty_quantity: 'keep',
        lines: [['create', [{ product, quantity }]]],
      },
    ],
  ])) as [number]
  await admin.ask('model.stock.inventory.confirm', [[inventory]])
}

test('every SKU of every warehouse is published once, then only what changes', async () => {
  const { readings } = await run()
  await until(async () => (await readings('done')) >= 2)
  const first = await said()
  await until(() => levels.records.length === first)
  expect(new Set(levels.records.map(({ value }) => value.warehouse))).toEqual(
    new Set(['WH', 'SH1']),
  )
  expect(new Set(levels.records.map(({ record }) => String(record.key))).size).toBe(first)
  expect(of('SHIPPING')).toEqual([])
  await count('SKU-0003', 4_321)
  await until(() => of('SKU-0003').find(({ quantity }) => quantity === 4_321))
  expect(await said()).toBe(first + 1)
  expect(of('SKU-0003').at(-1)).toMatchObject({
    ...{ warehouse: 'WH', quantity: 4_321, forecast: 4_321, withdrawn: false, source: 'erp' },
  })
})

test('a process that takes the duty over says nothing that was said', async () => {
  const first = await run()
  await until(async () => (await first.readings('done')) >= 1)
  await first.stop()
  const before = await said()
  const second = await run()
  await until(async () => (await second.readings('done')) >= 2)
  expect(await said()).toBe(before)
})

test('who does not own partition 0 reads nothing', async () => {
  let asked = 0
  const owned = { yes: false }
  const counting: Pick<ErpPort, 'stockPage'> = {
    stockPage: (after, max) => {
      asked += 1
      return erp.stockPage(after, max)
    },
  }
  const { readings } = await run({ erp: counting, owns: () => owned.yes })
  const other = await run()
  await until(async () => (await other.readings('done')) >= 2)
  expect(asked).toBe(0)
  owned.yes = true
  await until(async () => (await readings('done')) >= 1)
})

test('a SKU that the ERP shows no more is withdrawn with none left', async () => {
  const { readings } = await run()
  await until(async () => (await readings('done')) >= 1)
  const id = await idOf('product.product', [['code', '=', 'SKU-0007']])
  // With stock left the ERP does not let one go that easily.
  await admin.ask('model.product.product.write', [[id], { suffix_code: 'SKU-0007-OLD' }])
  await until(() => of('SKU-0007').filter(({ withdrawn }) => withdrawn).length === 2)
  expect(of('SKU-0007').at(-1)).toMatchObject({ quantity: 0, forecast: null, withdrawn: true })
})

test('an ERP that is away takes nothing for gone, and is read when it is back', async () => {
  const away = { yes: false }
  const unsteady: Pick<ErpPort, 'stockPage'> = {
    stockPage: (after, max) =>
      away.yes ? Promise.reject(new DependencyError('erp', 'away')) : erp.stockPage(after, max),
  }
  const { readings } = await run({ erp: unsteady })
  await until(async () => (await readings('done')) >= 1)
  const before = await said()
  away.yes = true
  await until(async () => (await readings('failed')) >= 2)
  away.yes = false
  const done = await readings('done')
  await until(async () => (await readings('done')) > done)
  expect(await said()).toBe(before)
})
