// What a partition's new owner may conclude from a memory it has read in part, and when its turn has come.
import {
  deltaDelivery,
  orderDelivery,
  ownerDelivery,
} from '../../services/core/erp/delivery-memory'
import type { AttributedOrder } from '../../services/core/records'
import { PartitionState, type StateSettings } from '../../services/erp-sink/partition-state'
import type { IncomingRecord } from '../../services/runtime/kafka'
import { aCredit, aDocument, anAttributedOrder, settings } from '../core/erp/given'

const stateSettings: StateSettings = {
  document: settings,
  settleMs: 0,
  rememberedMax: 100,
  ownerTimeoutMs: 1_000,
}

function aState(token = 'here:1', former: PartitionState | null = null): PartitionState {
  return new PartitionState(0, { token, settings: stateSettings, former })
}

function aVersion(version: number, channel: string): AttributedOrder {
  return anAttributedOrder({ order_id: '1' }, { version, credits: [aCredit({ channel })] })
}

function delivered({ version, credits }: AttributedOrder) {
  const document = aDocument({ order_id: '1' }, { version, credits })
  return orderDelivery(document, { version, acceptedAt: 1, sale: null, words: '', atMs: 2 })
}

function aRecord(offset: number): IncomingRecord {
  const where = { topic: 'attributed-orders', partition: 0, offset }
  return { ...where, key: null, value: null, headers: {}, timestampMs: 0 }
}

function owned(token: string, released = false) {
  return ownerDelivery(0, { token, released })
}

const first = aVersion(1, 'a')
const second = aVersion(2, 'b')
const third = aVersion(3, 'a')

test('a version that undoes a change is owed although of the memory only what was before the change is read', () => {
  const state = aState()
  state.takeDelivery(delivered(first), 0)
  expect(state.takeOrder(aRecord(7), third)).toBe('owed')
  state.takeDelivery(delivered(second), 0)
  state.takeDelivery(owned('here:1'), 0)
  expect(state.isOpen(0)).toBe(true)
  const [due] = state.pending.due(0, 10)
  expect(due && state.isOwed(due.value, due.version)).toBe(true)
  expect(state.pending.commitOffset()).toBe(7)
})

test('so it is while the owner before may still tell of a delivery', () => {
  const state = aState()
  for (const record of [delivered(first), owned('there:1'), owned('here:1')]) {
    state.takeDelivery(record, 0)
  }
  expect(state.isOpen(0)).toBe(false)
  expect(state.takeOrder(aRecord(7), third)).toBe('owed')
})

test('a partition that comes to the same process anew waits for the record of the call under way', () => {
  const former = aState('here:1')
  former.takeDelivery(owned('here:1'), 0)
  expect(former.isOpen(0)).toBe(true)
  const state = aState('here:2', former)
  for (const record of [delivered(first), owned('here:1'), owned('here:2')]) {
    state.takeDelivery(record, 0)
  }
  expect(state.isOpen(0)).toBe(false)
  state.takeDelivery(delivered(second), 0)
  state.takeDelivery(owned('here:1', true), 0)
  expect(state.isOpen(0)).toBe(true)
  expect(state.takeOrder(aRecord(7), third)).toBe('owed')
  expect(state.takeOrder(aRecord(8), second)).toBe('owed')
})

test('a turn that never came stands for nothing: neither it nor its process hides the owner before it', () => {
  const former = aState('here:1')
  former.over = true
  const state = aState('here:2', former)
  for (const token of ['there:1', 'here:1', 'here:2']) state.takeDelivery(owned(token), 0)
  expect(state.isOpen(999)).toBe(false)
  state.takeDelivery(owned('there:1', true), 999)
  expect(state.isOpen(999)).toBe(true)
})

test('turns that never came hold up nobody where there was no owner before', () => {
  const former = aState('here:2', aState('here:1'))
  const state = aState('here:3', former)
  for (const token of ['here:1', 'here:2', 'here:3']) state.takeDelivery(owned(token), 0)
  expect(state.isOpen(0)).toBe(true)
})

test('once its turn has come, what the ERP holds already is passed over', () => {
  const state = aState()
  state.takeDelivery(delivered(first), 0)
  state.takeDelivery(owned('here:1'), 0)
  expect(state.isOpen(0)).toBe(true)
  expect(state.takeOrder(aRecord(7), third)).toBe('unchanged')
})

function aDelta(position: number) {
  const delta = { outcome: 'delivered', reference: 'r', represented: {}, totals: {}, position }
  return deltaDelivery({ partition: 0, warehouse: '' }, { ...delta, words: '', atMs: 0 })
}

test('reserved stock is judged only once everything there was at the beginning of the turn is read', () => {
  const state = aState()
  state.stockEnd = 1_000
  state.takeDelivery(aDelta(100), 0)
  state.readStockTo(100, 1_000)
  expect(state.knowsStock('')).toBe(false)
  state.readStockTo(1_000, 1_000)
  expect(state.knowsStock('')).toBe(true)
})

test('and as much as whoever judged it last, but for a topic made anew', () => {
  const state = aState()
  state.stockEnd = 10
  state.takeDelivery(aDelta(12), 0)
  state.readStockTo(10, 12)
  expect(state.knowsStock('')).toBe(false)
  state.readStockTo(12, 12)
  expect(state.knowsStock('')).toBe(true)
  state.takeDelivery(aDelta(500), 0)
  expect(state.knowsStock('')).toBe(true)
})
