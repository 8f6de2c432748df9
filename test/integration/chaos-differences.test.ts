// What `npm run chaos` compares runs by: it must see one row more, less or other, and name it.
import { differingRows, readDigests } from '../../scripts/chaos/differences'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { dropWarehouse, openWarehouse } from '../support/warehouse'

let undisturbed: Warehouse
let disturbed: Warehouse
const databases = () => ({ undisturbed: undisturbed.database, disturbed: disturbed.database })

beforeAll(async () => {
  undisturbed = await openWarehouse('undisturbed')
  disturbed = await openWarehouse('disturbed')
})

afterAll(async () => {
  await dropWarehouse(undisturbed)
  await dropWarehouse(disturbed)
})

function addTouchpoint(warehouse: Warehouse, id: string): Promise<void> {
  return warehouse.command(
    `INSERT INTO ${warehouse.database}.touchpoints (source, id, type, at, accepted_at) VALUES ('web', '${id}', 'click', '2026-11-20 20:00:00', now64(3))`,
  )
}

function addCredit(warehouse: Warehouse, amountMinor: number): Promise<void> {
  return warehouse.command(
    `INSERT INTO ${warehouse.database}.credit_hours (model, hour, channel, amount_minor, weight_ppb, credits) VALUES ('last', '2026-11-20 20:00:00', 'douyin.live', ${amountMinor}, 1000000000, 1)`,
  )
}

test('every table is compared', async () => {
  const names = (await readDigests(undisturbed, databases())).map(({ name }) => name)
  expect(names).toEqual([
    ...['ad_spend', 'credit_hours', 'dead_letters', 'erp_deliveries_current', 'findings'],
    ...['identities', 'live_sessions', 'orders', 'product_costs', 'sku_mappings'],
    ...['stock_positions_current', 'touchpoints'],
  ])
})

test('rows accepted and written at other times are no difference', async () => {
  await addTouchpoint(undisturbed, 'both')
  await addTouchpoint(disturbed, 'both')
  await addTouchpoint(disturbed, 'both')
  expect(await differingRows(undisturbed, databases())).toEqual([])
})

test('a lost row and a row too many are named with their table', async () => {
  await addTouchpoint(undisturbed, 'lost')
  await addCredit(undisturbed, 990)
  await addCredit(disturbed, 990)
  await addCredit(disturbed, 10)
  const found = await differingRows(undisturbed, databases())
  expect(found).toEqual([
    expect.stringMatching(/^credit_hours: only undisturbed .*'douyin.live'.*990/),
    expect.stringMatching(/^credit_hours: only disturbed .*'douyin.live'.*1000/),
    expect.stringMatching(/^touchpoints: only undisturbed \(1 of 1\) .*'lost'/),
  ])
})
