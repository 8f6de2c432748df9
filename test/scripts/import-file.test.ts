import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { readArguments } from '../../scripts/import/arguments'
import { cellKindOf } from '../../scripts/import/figure-of-row'
import { importFile, type ImportOptions, type Imported } from '../../scripts/import/import-file'
import { openProgress } from '../../scripts/import/progress'
import type { Fault } from '../../services/core/edge/notes'
import { figureKinds } from '../../services/core/figures/figure'
import { figureFields } from '../../services/order-gateway/read-figure'

const now = 1_767_225_600_000
const directory = mkdtempSync(join(tmpdir(), 'tributary-import-'))
const file = join(directory, 'spend.csv')

afterAll(() => {
  rmSync(directory, { recursive: true })
})

interface Played extends Imported {
  readonly sent: readonly Readonly<Record<string, unknown>>[]
  readonly batches: readonly number[]
  /** Lines printed, without the directory. */
  readonly printed: readonly string[]
}

/** Imports a text as a file; `refuse` is what the gateway says. */
async function play(
  content: string | Buffer,
  given: Partial<ImportOptions> & { readonly refuse?: (figure: object) => readonly Fault[] } = {},
): Promise<Played> {
  writeFileSync(file, content)
  const sent: Record<string, unknown>[] = []
  const batches: number[] = []
  const printed: string[] = []
  const { refuse = () => [], ...options } = given
  const imported = await importFile(file, {
    kind: 'ad-spend',
    zone: null,
    encoding: 'utf-8',
    send: (_kind, figures) => {
      batches.push(figures.length)
      const faults = figures.map((figure) => refuse(figure as object))
      sent.push(...(figures as Record<string, unknown>[]))
      return Promise.resolve(faults)
    },
    progress: {
      show: () => undefined,
      print: (line) => printed.push(line.replaceAll(`${directory}/`, '')),
      clear: () => undefined,
    },
    now: () => now,
    ...options,
  })
  return { ...imported, sent, batches, printed }
}

const header = 'id,from_at,to_at,channel,campaign,currency,amount_minor,withdrawn'
const row = '1,2025-12-31T20:00:00+08:00,2025-12-31T21:00:00+08:00,douyin.live,,CNY,5000,'

test('a row is sent with what its cells say, empty ones saying nothing', async () => {
  const { sent, ...counts } = await play(
    `${header}\n${row}\n2,1767139200000,1767142800000,,x,CNY,7,yes\n`,
  )
  expect(sent).toEqual([
    {
      ...{ id: '1', from_at: '2025-12-31T20:00:00+08:00', to_at: '2025-12-31T21:00:00+08:00' },
      ...{ channel: 'douyin.live', currency: 'CNY', amount_minor: 5_000 },
    },
    {
      ...{ id: '2', from_at: 1_767_139_200_000, to_at: 1_767_142_800_000, campaign: 'x' },
      ...{ currency: 'CNY', amount_minor: 7, withdrawn: true },
    },
  ])
  expect(counts).toMatchObject({ read: 2, accepted: 2, refused: 0, refusedFile: null })
})

test('a file as a spreadsheet saves it is read: mark, CRLF, quotes, line ends within them, empty rows behind', async () => {
  const quoted = row.replace(',,', ',"双十一, ""大促""\r\n晚场",').replace('1,', '"1",')
  const { sent, refused } = await play(`\ufeff${header}\r\n${quoted}\r\n,,,,,,,\r\n\r\n`)
  expect(sent).toEqual([])
  expect(refused).toBe(1)
  const clean = quoted.replace('\r\n晚场', ' 晚场')
  expect((await play(`\ufeff${header}\r\n${clean}\r\n,,,,,,,\r\n`)).sent).toMatchObject([
    { id: '1', campaign: '双十一, "大促" 晚场' },
  ])
})

test('bad rows are listed with the line on which they begin, field and reason, and the others are sent', async () => {
  const content = [
    header,
    row.replace(',,', ',"two\nlines",'),
    row,
    row.replace('5000', '50.00'),
    row.replace('CNY', 'RMB').replace('21:00', '19:00'),
    '1,2',
  ].join('\n')
  const { sent, printed, read, accepted, refused } = await play(content)
  expect(printed).toEqual([
    'spend.csv:2: campaign: must not hold control characters or broken Unicode',
    'spend.csv:5: amount_minor: must be a whole number of minor units, 0 or more',
    'spend.csv:6: currency: must be an ISO 4217 code; to_at: must be after from_at',
    'spend.csv:7: has 2 cells, the first line has 8',
  ])
  expect([read, accepted, refused, sent.length]).toEqual([5, 1, 4, 1])
})

test('lines are counted as an editor counts them, whatever ends them and whatever lies between', async () => {
  const quoted = row.replace(',,', ',"a\r\nb",')
  const bad = row.replace('CNY', 'RMB')
  for (const end of ['\r\n', '\n', '\r']) {
    const lines = [header, quoted, '', ',,,,,,,', bad, quoted, bad]
    const { printed } = await play(lines.join(end))
    expect(printed.map((line) => line.split(':')[1])).toEqual(['2', '6', '7', '9'])
  }
})

test('refused rows stand in a file of their own, which can be imported once it is mended', async () => {
  const bad = row.replace('5000', '-1').replace(',,', ',"双十一, 晚场",')
  const { refusedFile } = await play(`${header}\n${bad}\n`)
  const refused = readFileSync(String(refusedFile), 'utf8')
  expect(basename(String(refusedFile))).toBe('spend.csv.refused.csv')
  expect(refused.split('\n').slice(0, 2)).toEqual([
    `\ufeffrefused_line,refused_because,${header}`,
    `2,"amount_minor: must be a whole number of minor units, 0 or more",${bad}`,
  ])
  const { sent } = await play(refused.replace(',-1,', ',100,'))
  expect(sent).toMatchObject([{ id: '1', campaign: '双十一, 晚场', amount_minor: 100 }])
  expect(sent[0]).not.toHaveProperty('refused_line')
})

test('what only the gateway knows refuses rows as well', async () => {
  const fault = { field: 'platform', fault: 'is not the platform of this source' }
  const { printed, accepted, refused } = await play(
    `${header}\n${row}\n${row.replace('1,', '2,')}`,
    {
      refuse: (figure) => ('id' in figure && figure.id === '2' ? [fault] : []),
    },
  )
  expect(printed).toEqual(['spend.csv:3: platform: is not the platform of this source'])
  expect([accepted, refused]).toEqual([1, 1])
})

test('rows travel in batches, in their order', async () => {
  const rows = Array.from({ length: 450 }, (_, at) => row.replace('1,', `${at},`))
  const { sent, batches } = await play([header, ...rows].join('\n'))
  expect(batches).toEqual([200, 200, 50])
  expect(sent.map(({ id }) => id)).toEqual(rows.map((_, at) => String(at)))
})

test('of many refused rows the first twenty are shown', async () => {
  const rows = Array.from({ length: 30 }, () => row.replace('CNY', 'RMB'))
  const { printed, refusedFile } = await play([header, ...rows].join('\n'))
  expect(printed).toHaveLength(21)
  expect(printed.at(-1)).toBe('spend.csv: more rows are refused, all are in spend.csv.refused.csv')
  expect(readFileSync(String(refusedFile), 'utf8').trim().split('\n')).toHaveLength(31)
})

test('where no list can be written every refused row is shown', async () => {
  const path = `${file}.refused.csv`
  rmSync(path, { force: true })
  mkdirSync(path)
  const rows = Array.from({ length: 25 }, () => row.replace('CNY', 'RMB'))
  const { printed, refusedFile } = await play([header, ...rows].join('\n'))
  rmSync(path, { recursive: true })
  expect(refusedFile).toBeNull()
  expect(printed[0]).toMatch(/spend\.csv\.refused\.csv cannot be written \(.*EISDIR/)
  expect(printed).toHaveLength(26)
})

test('a check alone sends nothing and lists what would be refused', async () => {
  const content = `${header}\n${row}\n${row.replace('5000', 'x')}`
  const { accepted, refused, printed, sent, refusedFile } = await play(content, { send: null })
  expect([accepted, refused, printed.length, sent.length]).toEqual([1, 1, 1, 0])
  expect(readFileSync(String(refusedFile), 'utf8')).toContain('3,"amount_minor: must be')
})

test('times without a zone are those of the zone that is said', async () => {
  const local = row
    .replace('2025-12-31T20:00:00+08:00', '2025/12/31 9:05')
    .replace('2025-12-31T21:00:00+08:00', '2026-1-1')
  const { sent } = await play(`${header}\n${local}`, { zone: '+08:00' })
  expect(sent).toMatchObject([
    { from_at: '2025-12-31T09:05:00+08:00', to_at: '2026-01-01T00:00:00+08:00' },
  ])
  const { printed } = await play(`${header}\n${local}`)
  expect(printed[0]).toMatch(
    /^spend\.csv:2: from_at: must be epoch milliseconds or ISO 8601 with a zone/,
  )
})

test('a file of another encoding is read where that is said, and named where it is not', async () => {
  const chinese = Buffer.concat([
    Buffer.from(`${header}\n${row.split(',,')[0] ?? ''},`),
    Buffer.from([0xcd, 0xed, 0xb3, 0xa1]),
    Buffer.from(`,${row.split(',,')[1] ?? ''}\n`),
  ])
  expect((await play(chinese, { encoding: 'gb18030' })).sent).toMatchObject([{ campaign: '晚场' }])
  await expect(play(chinese)).rejects.toThrow(/is not utf-8 .* --encoding gb18030/)
})

test.each([
  [
    `${row}\n"2${row}\n${row}\n`,
    /spend\.csv:3: a quotation mark is never closed; .* import the file again/,
  ],
  [`${row}\n${row}\n"1"x${row}\n${row}\n`, /spend\.csv:4: a quotation mark stands in an odd place/],
  [`${row}\n"${'x'.repeat(3_000_000)}`, /spend\.csv:3: a row is too long/],
])('quotation marks that do not match end the import at their line', async (rows, words) => {
  await expect(play(`${header}\n${rows}`)).rejects.toThrow(words)
})

test.each([
  ['', /spend\.csv is empty: its first line must name the fields/],
  ['id,amount\n1,2', /no fields of ad-spend: amount; they are id, from_at/],
  ['id,,currency\n1,2,3', /no fields of ad-spend: \(no name\)/],
  ['id,currency,id\n1,2,3', /two columns are called id/],
])('a file with the first line %j is refused as a whole', async (content, words) => {
  await expect(play(content)).rejects.toThrow(words)
})

test('a file that is not there is said to be so', async () => {
  const options = {
    kind: 'ad-spend',
    zone: null,
    encoding: 'utf-8',
    send: null,
    now: () => now,
  } as const
  const progress = openProgress({ write: () => undefined }, () => now)
  await expect(importFile(join(directory, 'no.csv'), { ...options, progress })).rejects.toThrow(
    /no\.csv: there is no such file/,
  )
})

test('an import that is cut off says how far it came', async () => {
  const printed: string[] = []
  const progress = {
    show: () => undefined,
    clear: () => undefined,
    print: (line: string) => printed.push(basename(line)),
  }
  const send = () => Promise.reject(new Error('gone'))
  await expect(play(`${header}\n${row}\n`, { send, progress })).rejects.toThrow('gone')
  expect(printed).toEqual(['spend.csv: 1 rows read, 0 accepted, 0 refused; not done'])
})

test('a terminal shows one line that is drawn anew, anything else none', () => {
  const clock = { now: 0 }
  const written: string[] = []
  const write = (text: string): unknown => written.push(text)
  const terminal = openProgress({ isTTY: true, write }, () => clock.now)
  terminal.show('one')
  terminal.show('too soon')
  clock.now = 200
  terminal.show('two')
  terminal.print('a line')
  expect(written).toEqual(['\r\u001b[Kone', '\r\u001b[Ktwo', '\r\u001b[K', 'a line\n'])
  const plain = openProgress({ write }, () => clock.now)
  plain.show('three')
  expect(written).toHaveLength(4)
})

test.each([
  ['', /^usage/],
  ['dreams x.csv', /^usage/],
  ['ad-spend', /^usage/],
  ['ad-spend x.csv --zone CST', /--zone CST: must be like/],
  ['ad-spend x.csv --encoding klingon', /--encoding klingon: unknown/],
  ['ad-spend x.csv --force', /usage/],
])('import %s is answered with the way to say it', (line, words) => {
  expect(() => readArguments(line === '' ? [] : line.split(' '))).toThrow(words)
})

test('every field of every kind is read as what it holds', () => {
  const fields = new Set(figureKinds.flatMap((kind) => figureFields(kind)))
  const of = (kind: string) => [...fields].filter((field) => cellKindOf(field) === kind).sort()
  expect(of('number')).toEqual(
    ['amount_minor', 'commission_basis_points', 'cost_minor', 'pieces', 'slot_fee_minor'].sort(),
  )
  expect(of('time')).toEqual(
    ['ended_at', 'from_at', 'started_at', 'to_at', 'updated_at', 'valid_from'].sort(),
  )
  expect(of('flag')).toEqual(['withdrawn'])
})
