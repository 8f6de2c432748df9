import { namesNobody } from '../../../services/core/edge/names-nobody'

test.each([
  'anonymous',
  'Anonymous',
  'GUEST',
  'distinctid',
  'distinct_id',
  'id',
  'undefined',
  'true',
  'False',
  'null',
  'NULL',
  'none',
  'NaN',
  '0',
  '000000',
  '00000000-0000-0000-0000-000000000000',
  '0.0',
  '',
  '   ',
  '-',
  '---',
  '[object Object]',
  '"null"',
  "'null'",
  '"\'undefined\'"',
  ' " 0 " ',
  '""',
  '02:00:00:00:00:00',
  '138****5678',
])('%j names nobody', (value) => {
  expect(namesNobody(value)).toBe(true)
})

test.each(['oABC123', '13812345678', '00000001', 'null-island', 'u0', '张三', 'ID-7', '"7"'])(
  '%j names somebody',
  (value) => {
    expect(namesNobody(value)).toBe(false)
  },
)
