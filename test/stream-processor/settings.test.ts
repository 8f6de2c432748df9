import { join } from 'node:path'
import { defaultSettings } from '../../services/core/attribution/settings'
import { defaultHubLimits } from '../../services/core/identity/hubs'
import { SetupError } from '../../services/runtime/errors'
import { parseSettings, readSettings } from '../../services/stream-processor/settings'

const shipped = join(__dirname, '../../services/stream-processor/attribution.json')

test('the shipped file says what the defaults are', () => {
  const settings = parseSettings(readSettings(shipped).text)
  expect(settings.orders.attribution).toEqual([defaultSettings])
  expect(settings.gather.hubs).toEqual(defaultHubLimits)
})

test('an empty file means the defaults', () => {
  expect(parseSettings('{}').orders.attribution).toEqual([defaultSettings])
})

test('every fault of the file is named at once', () => {
  const faulty = JSON.stringify({
    generation: -1,
    attribution: [
      { name: 'a', models: [{ name: 'u', kind: 'position', ends: [0.5, 0.5, 0.5] }], windows: 3 },
    ],
  })
  const fault = expect.stringMatching(
    /generation: .*attribution\.0\.models\.0\.ends: first, middle and last must sum to 1.*windows/,
  )
  expect(() => parseSettings(faulty)).toThrow(expect.objectContaining({ message: fault }))
  expect(() => parseSettings('{')).toThrow(SetupError)
})

test('two settings cannot begin at one moment', () => {
  const twice = JSON.stringify({ attribution: [{ name: 'a' }, { name: 'b' }] })
  expect(() => parseSettings(twice)).toThrow(/valid_from must differ/)
})

test('settings read from a state are the settings that were written to it, defaults spelled out', () => {
  const { text } = readSettings(shipped)
  expect(parseSettings(text)).toEqual(parseSettings('{}'))
  expect(text).toContain('"half_life_hours":168')
  expect(text).toContain('"room_enter":168')
})
