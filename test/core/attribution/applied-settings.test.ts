import { appliedTo } from '../../../services/core/attribution/applied-settings'
import {
  defaultSettings,
  type AttributionSettings,
} from '../../../services/core/attribution/settings'
import { anOrder, dayMs, evening } from '../../given'

const paid: AttributionSettings = { ...defaultSettings, name: 'paid', conversion: 'paid' }
const created: AttributionSettings = { ...paid, name: 'created', conversion: 'created' }
const bought = anOrder({ created_at: evening - dayMs, paid_at: evening })
const names = (order = bought, ...all: AttributionSettings[]): unknown[] => {
  const { settings, at } = appliedTo(order, all)
  return [settings.name, at]
}

test('the settings with the latest valid_from not after the conversion apply', () => {
  const later = { ...paid, name: 'later', valid_from: evening }
  expect(names(bought, later, paid)).toEqual(['later', evening])
  expect(names(bought, { ...later, valid_from: evening + 1 }, paid)).toEqual(['paid', evening])
})

test('settings that call different moments the conversion agree on one of them', () => {
  const before = evening - dayMs / 2
  expect(names(bought, paid, { ...created, valid_from: before })).toEqual(['paid', evening])
  expect(names(bought, created, { ...paid, valid_from: before })).toEqual(['paid', evening])
  expect(names(bought, paid, { ...created, valid_from: before - dayMs })).toEqual([
    'created',
    evening - dayMs,
  ])
})

test('an order that has not converted is judged by its creation', () => {
  const unpaid = { ...bought, paid_at: null }
  const later = { ...paid, name: 'later', valid_from: evening - dayMs + 1 }
  expect(names(unpaid, paid, later)).toEqual(['paid', evening - dayMs])
})

test('an order from before all settings falls under the earliest', () => {
  const first = { ...paid, name: 'first', valid_from: evening + dayMs }
  const second = { ...paid, name: 'second', valid_from: evening + 2 * dayMs }
  expect(names(bought, second, first)).toEqual(['first', evening])
})
