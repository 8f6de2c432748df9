// Deletion on request, end to end on real parts: afterwards no file of the installation holds an identifier of the person,
// neither raw nor hashed, and nobody else and no sum is any different.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { topics } from '../../services/core/topics'
import { createIdentifierHash } from '../../services/runtime/hash-identifier'
import { projectDirectory } from '../../services/runtime/schemas'
import { aRecord } from '../runtime/a-record'
import { openTestSpool } from '../runtime/open-spool'
import { runScript, runScriptWith, type ScriptResult } from '../support/run-script'
import { until } from '../support/until'
import {
  openWholeInstallation,
  readJson,
  type WholeInstallation,
} from '../support/whole-installation'

jest.setTimeout(900_000)

const hashKey = Buffer.alloc(32, 7)
const hash = createIdentifierHash(hashKey)

/** As clients say it. No two persons share a text. */
const ann = {
  phone: '13987650001',
  name: '欧阳安娜小姐',
  street: '文三路九百九十九号',
  openid: 'oAnnAtTheMiniProgram77',
  visitor: 'visitor-of-ann-4c1b9e',
}
const bob = {
  phone: '13987650002',
  name: '令狐博文先生',
  street: '解放大道一千零一号',
  openid: 'oBobAtTheMiniProgram88',
  visitor: 'visitor-of-bob-93ad77',
}
const tablet = 'tablet-of-the-family-55e1'
const raw = [ann, bob].flatMap((one) => Object.values(one)).concat(tablet)
const annHashes = [
  hash('phone', '', `+86${ann.phone}`),
  hash('openid', 'mini', ann.openid),
  hash('visitor', '', ann.visitor),
]
const bobPhone = hash('phone', '', `+86${bob.phone}`)
const tabletHash = hash('device', '', tablet)
/** What is random of an identifier. */
const secrets = annHashes.map((one) => one.slice(one.lastIndexOf(':') + 1))

let at: WholeInstallation
let now: number
const orders = new Map<string, Record<string, unknown>>()

beforeAll(async () => {
  at = await openWholeInstallation(hashKey)
  now = Date.now()
  await playEvening()
})

afterAll(async () => {
  await at.close()
})

async function taken(answer: Promise<Response>): Promise<void> {
  const response = await answer
  expect([response.status, response.status === 200 ? '' : await response.text()]).toEqual([200, ''])
}

async function touch(id: string, minutesAgo: number, rest: object): Promise<void> {
  const event = { id, type: 'click', at: now - minutesAgo * 60_000, ...rest }
  await taken(at.collect(event))
}

async function buy(id: string, who: typeof ann, rest: object = {}): Promise<void> {
  const order = {
    ...{ order_id: id, status: 'paid', currency: 'CNY', paid_minor: 9_900 },
    ...{ created_at: now - 60_000, paid_at: now - 60_000, updated_at: now - 60_000 },
    lines: [{ line_id: '1', sku: 'SKU-0001', quantity: 1, paid_minor: 9_900 }],
    buyer: { name: who.name, phone: who.phone },
    receiver: { name: who.name, phone: who.phone, address: { city: '杭州', street: who.street } },
    ...rest,
  }
  orders.set(id, order)
  await taken(at.order(order))
}

/** The platform says that something came back. */
async function refund(id: string, minor: number): Promise<void> {
  const order = orders.get(id)
  const [line] = order?.['lines'] as object[]
  await taken(
    at.order({
      ...order,
      updated_at: Date.now(),
      refunded_minor: minor,
      lines: [{ ...line, refunded_minor: minor }],
    }),
  )
}

/** Everybody's life, in every way that clients have. */
async function playEvening(): Promise<void> {
  for (const [name, who] of Object.entries({ ann, bob })) {
    await taken(
      at.pixel({
        id: `${name}-click`,
        type: 'click',
        at: String(now - 50 * 60_000),
        visitor: who.visitor,
        page: `https://shop.example/p?phone=${who.phone}`,
      }),
    )
    const { openid, visitor, phone } = who
    await touch(`${name}-room`, 40, {
      type: 'room_enter',
      channel: 'wechat.live',
      identifiers: { openid: { app: 'mini', id: openid }, visitor },
    })
    await touch(`${name}-form`, 30, { type: 'form', identifiers: { phone, visitor } })
    await touch(`${name}-tablet`, 20, { identifiers: { phone, device: tablet } })
    await buy(`order-of-${name}`, who)
  }
  await touch('bob-shared', 15, {
    type: 'share',
    identifiers: { visitor: bob.visitor },
    shared_by: `phone:${ann.phone}`,
  })
  // What is refused holds somebody too.
  const refused = await at.collect({ id: 'x', type: 'no-such-type', identifiers: ann })
  expect(refused.status).toBe(400)
  expect((await at.order({ order_id: 'y', buyer: { phone: ann.phone } })).status).toBe(400)
  await at.broker.writeRaw([
    {
      topic: at.broker.prefix + topics.touchpoints.name,
      partition: 0,
      key: annHashes[0] ?? '',
      value: Buffer.from(`half a record of ${annHashes.join(' ')}`),
    },
  ])
  await goOn(0)
  await until(async () => (await one(`SELECT count() AS n FROM orders_current`)) === 2, 'orders')
  await until(
    async () => (await one(`SELECT count() AS n FROM dead_letters FINAL`)) === 2,
    'letters',
  )
  await until(async () => (await delivered()) === 2, 'sales in the ERP')
  await until(settled, 'identities')
}

/** Other people, some for every partition, until ClickHouse knows them. */
async function goOn(round: number): Promise<void> {
  await taken(
    at.collect({
      events: Array.from({ length: 40 }, (_, other) => ({
        id: `other-${round}-${other}`,
        type: 'click',
        identifiers: {
          visitor: `other-${round}-${other}`,
          ...(other % 2 === 0 ? { device: `device-${round}-${other}` } : {}),
        },
      })),
    }),
  )
  const known = `SELECT toUInt32(count()) AS n FROM touchpoints WHERE startsWith(id, 'other-${round}-')`
  await until(async () => (await one(known)) === 40, 'other people')
}

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  const from = sql.replaceAll(/\b(FROM|JOIN) (\w+)/g, `$1 ${at.warehouse.database}.$2`)
  return at.warehouse.query(from)
}

async function one(sql: string): Promise<unknown> {
  const [row] = await rows(sql)
  return row === undefined ? undefined : Object.values(row)[0]
}

async function delivered(): Promise<unknown> {
  return one(
    `SELECT toUInt32(count()) AS n FROM erp_deliveries_current WHERE kind = 'order' AND outcome = 'delivered'`,
  )
}

async function settled(): Promise<boolean> {
  const found = await rows(
    `SELECT person FROM identities_current WHERE identifier IN ('${annHashes.join("', '")}')`,
  )
  const journey = await one(`SELECT touches FROM orders_current WHERE order_id = 'order-of-ann'`)
  return found.length === 3 && found.every(({ person }) => person === annHashes[0]) && journey === 4
}

const bobAndSums = async () => ({
  orders: await rows(
    `SELECT order_id, person, net_minor, touches, touches_counted FROM orders_current
     WHERE order_id = 'order-of-bob'`,
  ),
  journey: await rows(
    `SELECT position, type, touchpoint_id, counted, reason FROM journeys WHERE order_key = 'douyin:S1:order-of-bob'`,
  ),
  touches: await rows(
    `SELECT id, identifiers FROM touchpoints_current WHERE startsWith(id, 'bob') ORDER BY id`,
  ),
  identities: await rows(
    `SELECT identifier, person, state FROM identities_current WHERE person = '${bobPhone}' AND kind != 'device' ORDER BY identifier`,
  ),
  credits: await rows(
    `SELECT model, order_id, touchpoint_id, channel, amount_minor FROM credits ORDER BY model, order_id, touchpoint_id, channel`,
  ),
  hours: await rows(
    `SELECT model, channel, sum(amount_minor) AS amount, sum(credits) AS number FROM credit_hours
     GROUP BY model, channel ORDER BY model, channel`,
  ),
})

/** Whom to forget is said on standard input. */
function forget(who: string, ...args: string[]): Promise<ScriptResult> {
  return runScriptWith('forget', args, { environment: at.environment, input: `${who}\n` })
}

async function saleOfAnn() {
  const [sale] = await rows(
    `SELECT erp_id, outcome, toInt32(JSONExtractInt(detail, 'net_minor')) AS net FROM erp_deliveries_current
     WHERE order_key = 'douyin:S1:order-of-ann'`,
  )
  return sale
}

/** Killed as soon as it says something. */
async function forgetUntil(said: string): Promise<void> {
  const script = join(projectDirectory(), 'dist', 'scripts', 'forget.js')
  const child = spawn(process.execPath, [script, '--yes'], {
    env: { ...process.env, ...at.environment },
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  child.stdin.end(`phone:${ann.phone}\n`)
  const ended = new Promise((resolve) => child.once('close', resolve))
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text
    if (words.includes(said)) child.kill('SIGKILL')
  })
  await ended
  expect([child.signalCode, words]).toEqual(['SIGKILL', expect.stringContaining(said)])
}

/** No unexplained difference, once everything has come through. */
async function expectBalancedLedger(): Promise<void> {
  let last = ''
  await until(
    async () => {
      const { code, stdout, stderr } = await runScript(
        'ledger',
        ['--older-than', '20s'],
        at.environment,
      )
      last = stdout + stderr
      return code === 0
    },
    () => last,
    120_000,
  )
}

const outsideErp = (files: readonly string[]): string[] =>
  files.filter((file) => !file.startsWith(join(at.directory, 'stack', 'erp')))

test('a raw identifier, name or address is in no file at any time, but in the ERP', () => {
  expect(outsideErp(at.filesWith(raw))).toEqual([])
  expect(at.filesWith([ann.name, ann.phone])).not.toEqual([])
  for (const service of at.services.values()) {
    for (const text of raw) expect(service.output()).not.toContain(text)
  }
})

test('what would go is said beforehand, and nothing goes', async () => {
  const before = await bobAndSums()
  const { code, stdout } = await forget(`phone:${ann.phone}`, '--dry-run')
  expect([code, stdout]).toEqual([0, expect.stringContaining('dry run: nothing was changed')])
  expect(stdout).toMatch(/1 openid/)
  expect(stdout).toMatch(/ClickHouse touchpoints: \d rows deleted/)
  expect(await bobAndSums()).toEqual(before)
  expect(outsideErp(at.filesWith(secrets))).not.toEqual([])
})

test('whoever cannot be asked is not forgotten by mistake', async () => {
  const unsaid = await forget(`phone:${ann.phone}`)
  expect([unsaid.code, unsaid.stderr]).toEqual([1, expect.stringContaining('Say --yes')])
  const nobody = await forget('phone:12', '--yes')
  expect([nobody.code, nobody.stderr.trim()]).toEqual([1, 'identifier.phone is no phone number'])
})

test('a forgotten person is in no file any more, and nobody else and no sum is different', async () => {
  await expectBalancedLedger()
  const before = await bobAndSums()
  const spool = join(at.directory, 'idle-spool', 'touchpoints')
  const { spool: idle } = await openTestSpool(spool)
  await idle.append([aRecord('of-ann', { key: annHashes[0] ?? '' })])
  await idle.close()
  const sale = await saleOfAnn()
  // Whoever is interrupted begins again.
  await forgetUntil('letting the nodes go')
  await forgetUntil('cleaning the tables')
  const receiptFile = join(at.directory, 'receipt.json')
  const asked = ['--yes', '--receipt', receiptFile]
  const run = await forget(
    `phone:${ann.phone}`,
    ...asked,
    '--spool',
    join(at.directory, 'idle-spool'),
  )
  expect([run.code, run.code === 0 ? '' : run.stderr]).toEqual([0, ''])
  for (const text of [...raw, ...secrets]) expect(run.stdout + run.stderr).not.toContain(text)
  expect(readJson(receiptFile)).toMatchObject({
    identifiers: { phone: 1, openid: 1, visitor: 1 },
    removed: { dead_letters_dropped: 2, spools: [{ records: 1 }] },
    left: expect.arrayContaining([
      expect.objectContaining({ order_keys: ['douyin:S1:order-of-ann'] }),
    ]),
    came_back: [],
  })

  // Nobody else, no credit, no sum.
  expect(await bobAndSums()).toEqual(before)
  // The tablet stood between two, and now stands with one.
  expect(
    await rows(
      `SELECT person, state FROM identities_current WHERE kind = 'device' AND identifier = '${tabletHash}'`,
    ),
  ).toEqual([{ person: bobPhone, state: 'member' }])
  expect(
    await rows(
      `SELECT person, person_identifiers, net_minor FROM orders_current WHERE order_id = 'order-of-ann'`,
    ),
  ).toEqual([{ person: 'order:douyin:S1:order-of-ann', person_identifiers: [], net_minor: 9_900 }])
  expect(await rows(`SELECT id FROM touchpoints_current WHERE startsWith(id, 'ann')`)).toEqual([])
  await expectBalancedLedger()

  // The platform goes on telling of the order, with its buyer.
  await refund('order-of-ann', 900)
  await until(async () => {
    const net = await one(`SELECT net_minor FROM orders_current WHERE order_id = 'order-of-ann'`)
    return net === 9_000
  }, 'the refund')
  expect(
    await rows(
      `SELECT model, sum(amount_minor) AS amount FROM credits WHERE order_id = 'order-of-ann' GROUP BY model HAVING amount != 9000`,
    ),
  ).toEqual([])

  // In the ERP it stays one sale, and the money goes back there too.
  const after = await until(async () => {
    const found = await saleOfAnn()
    return found?.['net'] === 9_000 && found
  }, 'the refund in the ERP')
  expect(after).toEqual({ ...sale, net: 9_000 })

  // Days pass, in seconds.
  await at.hasten()
  let round = 0
  let found: string[] = []
  await until(
    async () => {
      await goOn((round += 1))
      found = outsideErp(at.filesWith(secrets))
      return found.length === 0
    },
    () => found.join('\n'),
    120_000,
  )
  expect(outsideErp(at.filesWith(raw))).toEqual([])
  for (const service of at.services.values()) {
    for (const text of secrets) expect(service.output()).not.toContain(text)
  }
})

test('asked again, it finds nothing left to do', async () => {
  const again = await forget('', '--hashed', annHashes[0] ?? '', '--yes')
  expect(again).toMatchObject({
    code: 0,
    stdout: expect.not.stringMatching(/ClickHouse \w+: \d+ rows/),
  })
})
