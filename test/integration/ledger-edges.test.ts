// The ledger between the edges and the topic: which of the records that were answered 2xx for are in it.
import { touchpointInLedger } from '../../services/core/ledger/tally'
import { lookAtLedger } from '../../services/runtime/ledger-look'
import { LedgerRig } from '../support/ledger-rig'
import { until } from '../support/until'

let rig: LedgerRig

beforeAll(async () => {
  rig = await LedgerRig.open('ledger_edges')
})

beforeEach(() => {
  rig.beginTest()
})

afterEach(() => rig.endTest())

afterAll(() => rig.close())

test('an edge that died before it told, and a client that heard nothing, are no differences', async () => {
  const killed = rig.anEdge()
  await killed.take(rig.touched('a', 'b'), { told: false })
  await killed.take(rig.touched('c'))
  await until(async () => (await rig.stations('touchpoint'))?.['accepted'] === 1)
  await until(async () => (await rig.count('topic_records')) === 3)
  await rig.untilRead()
  expect(await rig.differences()).toEqual([])
})

test('a record that the edge wrote twice is explained, and counts once behind the topic', async () => {
  const collector = rig.anEdge()
  const [touch] = rig.touched('a')
  if (touch === undefined) throw new Error('no touch')
  const record = touchpointInLedger(touch)
  const ticket = collector.ledger.take([record])
  await collector.write(touch, ticket.headers[0])
  await collector.write(touch, ticket.headers[0])
  ticket.accepted()
  await until(async () => (await rig.count('topic_records')) === 2)
  await until(async () => (await rig.stations('touchpoint'))?.['accepted'] === 1)
  await rig.untilRead()
  expect(await rig.stations('touchpoint')).toMatchObject({
    accepted: 1,
    in_topic: 2,
    ids: 1,
    differs_at: '',
  })
  expect(await rig.differences()).toEqual([])
})

test('a record answered 2xx for that is not in the topic is missing there, even beside others that nobody counted', async () => {
  const collector = rig.anEdge()
  await collector.take(rig.touched('a'), { told: false })
  await collector.take(rig.touched('b'))
  await collector.take(rig.touched('lost'), { written: false })
  await collector.take(rig.touched('c', 'd'), { told: false })
  await until(async () => (await rig.count('topic_records')) === 4)
  await until(async () => (await rig.stations('touchpoint'))?.['accepted'] === 2)
  await rig.untilRead()
  expect(await rig.differences()).toEqual([
    expect.stringMatching(/^1 touchpoint missing at topic, seen at accepted: [\w-]+:2$/),
  ])
})

test('what waits on the disk of an edge is on its way, and says nothing of other edges', async () => {
  const waiting = rig.anEdge()
  const other = rig.anEdge()
  waiting.waitingSince = Date.now() - 3_600_000
  await waiting.take(rig.touched('a'), { written: false })
  await other.take(rig.touched('lost'), { written: false })
  await until(async () => (await rig.stations('touchpoint'))?.['accepted'] === 2)
  await rig.untilRead()
  expect(await rig.differences()).toEqual([
    expect.stringMatching(/^1 touchpoint missing at topic, seen at accepted: [\w-]+:0$/),
  ])
  waiting.waitingSince = null
  await until(async () =>
    (await rig.differences()).join().startsWith('2 touchpoint missing at topic'),
  )
})

test('what an edge that went down has on its disk waits there until a later run over the same disk has none', async () => {
  const down = rig.anEdge('touchpoint', 'disk-1')
  down.waitingSince = Date.now()
  await down.take(rig.touched('a'), { written: false })
  await until(async () => (await rig.stations('touchpoint'))?.['accepted'] === 1)
  await down.ledger.close()
  await sayTenMinutesAgo('disk-1')
  await rig.untilRead()
  expect(await rig.differences()).toEqual([])
  const words = 'accepted: 1 records wait on the disk of an edge that does not run'
  expect(rig.command('--older-than', '1h')).toMatchObject({
    status: 2,
    stdout: expect.stringContaining(words) as string,
  })
  const again = rig.anEdge('touchpoint', 'disk-1')
  again.waitingSince = Date.now()
  await until(async () => {
    const { onDisk } = await lookAtLedger(rig.warehouse)
    return (
      onDisk.filter((one) => one.source === rig.source).map(({ fault }) => fault)[0] === 'waiting'
    )
  })
  again.waitingSince = null
  await until(async () =>
    (await rig.differences()).join().startsWith('1 touchpoint missing at topic'),
  )
})

test('marks of transactions and what aborted ones wrote hold nothing, and nothing was removed there', async () => {
  const collector = rig.anEdge()
  const [first, aborted, replayed, last] = rig.touched('first', 'aborted', 'replayed', 'last')
  if (!first || !aborted || !replayed || !last) throw new Error('no touches')
  await collector.take([first])
  await rig.writeInTransaction(aborted, { committed: false })
  await rig.writeInTransaction(replayed, { committed: true })
  await until(async () => (await rig.count('touchpoints')) === 2)
  // The mark at the end of the partition is no record that nobody has read.
  await rig.untilRead()
  expect(await rig.differences()).toEqual([])
  await collector.take([last])
  await until(async () => (await rig.count('touchpoints')) === 3)
  await until(async () => (await rig.stations('touchpoint'))?.['accepted'] === 2)
  await rig.untilRead()
  expect(await rig.differences()).toEqual([])
})

/** As if what the runs over a disk have told had been told earlier. */
async function sayTenMinutesAgo(spool: string): Promise<void> {
  const table = `${rig.warehouse.database}.ledger_marks`
  const marks = await rig.warehouse.query<{ part: string; detail: string }>(
    `SELECT part, detail FROM ${table} FINAL WHERE detail LIKE '%${spool}%'`,
  )
  await rig.warehouse.command(
    `ALTER TABLE ${table} DELETE WHERE detail LIKE '%${spool}%' SETTINGS mutations_sync = 2`,
  )
  for (const { part, detail } of marks) {
    await rig.warehouse.command(
      `INSERT INTO ${table} (station, part, looked_at, detail)
       VALUES ('accepted', '${part}', now64(3) - INTERVAL 10 MINUTE, '${detail}')`,
    )
  }
}
