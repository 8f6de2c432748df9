// The port's promises on a real Tryton: what a delivery leaves behind in the ERP.
import { planDelivery, isFulfilled } from '../../services/core/erp/delivery-plan'
import type { SaleDocument } from '../../services/core/erp/sale-document'
import { isRefusal, type Buyer, type ErpPort } from '../../services/erp-sink/erp-port'
import { createTrytonErp } from '../../services/erp-sink/tryton-erp'
import type { TrytonRpc } from '../../services/erp-sink/tryton-rpc'
import { DependencyError } from '../../services/runtime/errors'
import { aCredit, aDocument } from '../core/erp/given'
import { aLine } from '../given'
import { rpcAs, startErp, type RunningErp } from '../support/start-erp'

const buyer: Buyer = {
  name: '张三',
  phone: '+8613800000000',
  address: {
    country: 'CN',
    province: '浙江省',
    city: '杭州市',
    district: '西湖区',
    street: '文三路 1 号',
    postal_code: '310000',
  },
}
const settings = { refundSku: 'REFUND' }

let running: RunningErp
let admin: TrytonRpc
let erp: ErpPort

beforeAll(async () => {
  running = await startErp()
  admin = rpcAs(running.admin)
  erp = erpAs(rpcAs(running.sink))
}, 120_000)

afterAll(async () => {
  await running.remove()
})

function erpAs(rpc: TrytonRpc): ErpPort {
  const settings = {
    warehouse: 'WH',
    reservedLocation: 'RESERVED',
    serviceSkus: ['SHIPPING', 'ROUNDING', 'REFUND'],
    cacheMs: 60_000,
  }
  return createTrytonErp(rpc, settings, Date.now)
}

/** Does what is left to do for each document, as the sink would; twice, so that nothing may be left. */
async function deliver(document: SaleDocument): Promise<void> {
  const sale = (await erp.findSales([document.reference])).get(document.reference) ?? null
  const plan = planDelivery(document, sale, settings)
  const ids = plan.create ? taken(await erp.draftSales([{ document, buyer }])) : [sale?.id ?? '']
  const saleId = ids[0] ?? ''
  const corrections =
    plan.correct === null
      ? []
      : taken(await erp.draftCorrections([{ saleId, document, correction: plan.correct }]))
  if (plan.withdraw) taken(await erp.withdraw(saleId))
  if (plan.turn === 'cancel') taken(await erp.cancel([saleId]))
  if (plan.turn === 'confirm') taken(await erp.confirm([saleId]))
  taken(await erp.confirm(corrections))
  if (plan.amend && sale !== null && document.source !== null) {
    taken(await erp.amend(sale, document.source))
  }
  const after = (await erp.findSales([document.reference])).get(document.reference) ?? null
  expect(planDelivery(document, after, settings)).toMatchObject({ correct: null, amend: false })
  expect(isFulfilled(planDelivery(document, after, settings))).toBe(true)
}

function taken<T>(answer: T): Exclude<T, { refused: string }> {
  if (isRefusal(answer)) throw new Error(answer.refused)
  return answer as Exclude<T, { refused: string }>
}

async function read(
  model: string,
  domain: unknown,
  fields: string[],
): Promise<Record<string, unknown>[]> {
  const found = await admin.ask(`model.${model}.search_read`, [domain, 0, null, null, fields])
  return found as Record<string, unknown>[]
}

async function reservedPieces(...skus: string[]): Promise<Record<string, number>> {
  const [reserved] = await read('stock.location', [['code', '=', 'RESERVED']], ['id'])
  const products = await read('product.product', [['code', 'in', skus]], ['id'])
  const quantities = (await admin.ask(
    'model.product.product.read',
    [products.map(({ id }) => id), ['code', 'quantity']],
    { locations: [reserved?.['id']] },
  )) as { code: string; quantity: number }[]
  return Object.fromEntries(quantities.map(({ code, quantity }) => [code, quantity]))
}

test('a paid order becomes one confirmed sale with its exact total, buyer and source', async () => {
  const document = aDocument(
    {
      order_id: '1',
      lines: [
        aLine({ quantity: 3, paid_minor: 10_000 }),
        aLine({ line_id: '2', sku: 'SKU-0002', quantity: 700, paid_minor: 99_999 }),
      ],
      freight_minor: 1_200,
    },
    {
      credits: [
        aCredit({ channel: 'Douyin.Live', campaign: '双11', streamer: '李老师', room: 'r1' }),
      ],
    },
  )
  await deliver(document)
  await deliver(document)
  const sales = await read(
    'sale.sale',
    [['web_id', '=', document.reference]],
    [
      ...[
        'total_amount',
        'state',
        'party.name',
        'shipments',
        'web_shop.name',
        'comment',
        'reference',
      ],
      ...['marketing_source.name', 'marketing_campaign.name', 'marketing_medium.name'],
      ...['shipment_address.full_address', 'contact.value'],
    ],
  )
  expect(sales).toHaveLength(1)
  expect(sales[0]).toMatchObject({
    state: 'processing',
    reference: '1',
    total_amount: { decimal: '1111.99' },
    'web_shop.': { name: 'douyin' },
    'party.': { name: '张三' },
    'marketing_source.': { name: 'douyin.live' },
    'marketing_campaign.': { name: '双11' },
    'marketing_medium.': { name: '李老师' },
    'contact.': { value: '+8613800000000' },
  })
  expect(sales[0]?.['comment']).toContain('model=last_non_direct channel=Douyin.Live')
  expect(sales[0]?.['shipments']).toHaveLength(1)
})

test('orders of one buyer share the party, and another receiver gets an address of his own', async () => {
  const [first, second] = [aDocument({ order_id: '2a' }), aDocument({ order_id: '2b' })]
  taken(
    await erp.draftSales([
      { document: first, buyer },
      { document: second, buyer: { ...buyer, name: '李四', phone: '' } },
    ]),
  )
  const sales = await read(
    'sale.sale',
    [['web_id', 'in', [first.reference, second.reference]]],
    ['party', 'shipment_address', 'contact'],
  )
  expect(new Set(sales.map(({ party }) => party)).size).toBe(1)
  expect(new Set(sales.map(({ shipment_address }) => shipment_address)).size).toBe(2)
})

test('an order without any buyer is sold to its own buyer code', async () => {
  await deliver(aDocument({ order_id: '3', identifiers: [] }))
  const nobody: Buyer = { name: '', phone: '', address: null }
  taken(
    await erp.draftSales([
      { document: aDocument({ order_id: '3b', identifiers: ['openid:x'] }), buyer: nobody },
    ]),
  )
})

test('another source is amended on the same sale after confirmation, and people keep their remarks', async () => {
  const before = aDocument({ order_id: '4' })
  await deliver(before)
  const [sale] = await read('sale.sale', [['web_id', '=', before.reference]], ['comment'])
  const comment = `call first\n${String(sale?.['comment'])}\nfragile`
  await admin.ask('model.sale.sale.write', [[sale?.['id']], { comment }])
  const late = aCredit({ channel: 'wechat.group', streamer: 'leader' })
  await deliver(aDocument({ order_id: '4' }, { credits: [late], version: 2 }))
  const [after] = await read(
    'sale.sale',
    [['web_id', '=', before.reference]],
    ['comment', 'marketing_source.name'],
  )
  expect(after).toMatchObject({ 'marketing_source.': { name: 'wechat.group' } })
  expect(String(after?.['comment'])).toMatch(
    /^call first\nAttribution: .*wechat\.group.*\nfragile$/,
  )
})

test('a partial refund is a return with the sale as its origin, and the next one only what is new', async () => {
  const lines = [aLine({ quantity: 3, paid_minor: 10_000 })]
  await deliver(aDocument({ order_id: '5', lines }))
  const one = [
    aLine({ quantity: 3, paid_minor: 10_000, refunded_quantity: 1, refunded_minor: 3_333 }),
  ]
  await deliver(aDocument({ order_id: '5', lines: one, refunded_minor: 3_333 }))
  const two = [
    aLine({ quantity: 3, paid_minor: 10_000, refunded_quantity: 1, refunded_minor: 4_000 }),
  ]
  await deliver(aDocument({ order_id: '5', lines: two, refunded_minor: 4_000 }))
  const returns = await read(
    'sale.sale',
    [['web_id', 'like', 'douyin:shop:5#%']],
    [...['web_id', 'total_amount', 'origin', 'shipment_returns', 'state']],
  )
  expect(
    returns.map(({ web_id, total_amount, shipment_returns }) => [
      web_id,
      (total_amount as { decimal: string }).decimal,
      (shipment_returns as number[]).length,
    ]),
  ).toEqual(
    expect.arrayContaining([
      ['douyin:shop:5#1', '-33.33', 1],
      ['douyin:shop:5#2', '-6.67', 0],
    ]),
  )
})

test('an order cancelled before its goods left ships nothing and stands for no money', async () => {
  const lines = [aLine({ quantity: 2, paid_minor: 5_000 })]
  await deliver(aDocument({ order_id: '6', lines, freight_minor: 500 }))
  await deliver(
    aDocument({
      order_id: '6',
      lines,
      freight_minor: 500,
      status: 'cancelled',
      refunded_minor: 5_500,
    }),
  )
  const sales = await read(
    'sale.sale',
    ['OR', ['web_id', '=', 'douyin:shop:6'], ['web_id', '=', 'douyin:shop:6#1']],
    [...['total_amount', 'shipment_state', 'shipments', 'shipment_returns']],
  )
  const net = sales.reduce(
    (sum, sale) => sum + Number((sale['total_amount'] as { decimal: string }).decimal),
    0,
  )
  expect(net).toBe(0)
  const shipments = await read(
    'stock.shipment.out',
    [['id', 'in', sales.flatMap((sale) => sale['shipments'])]],
    ['state'],
  )
  expect(shipments.map(({ state }) => state)).toEqual(['cancelled'])
  expect(sales.flatMap((sale) => sale['shipment_returns'])).toEqual([])
  expect(sales.map((sale) => sale['shipment_state'])).not.toContain('exception')
})

test('an order paid and cancelled before it was pushed is one cancelled sale', async () => {
  await deliver(aDocument({ order_id: '7', status: 'cancelled', refunded_minor: 10_000 }))
  expect(await read('sale.sale', [['web_id', 'like', 'douyin:shop:7%']], ['state'])).toMatchObject([
    { state: 'cancelled' },
  ])
})

test('an order refunded in full after its goods left gets a return, not a cancellation', async () => {
  await deliver(aDocument({ order_id: '8' }))
  const [sale] = await read('sale.sale', [['web_id', '=', 'douyin:shop:8']], ['shipments'])
  for (const button of ['assign_force', 'pick', 'pack', 'done']) {
    await admin.ask(`model.stock.shipment.out.${button}`, [sale?.['shipments']])
  }
  const lines = [aLine({ refunded_quantity: 1, refunded_minor: 10_000 })]
  await deliver(aDocument({ order_id: '8', lines, status: 'refunded', refunded_minor: 10_000 }))
  const [back] = await read(
    'sale.sale',
    [['web_id', '=', 'douyin:shop:8#1']],
    ['shipment_returns', 'total_amount'],
  )
  expect(back).toMatchObject({ total_amount: { decimal: '-100.00' } })
  expect(back?.['shipment_returns']).toHaveLength(1)
})

test('an unknown SKU is refused by name and leaves nothing of its batch behind', async () => {
  const good = aDocument({ order_id: '9a' })
  const bad = aDocument({ order_id: '9b', lines: [aLine({ sku: 'SKU-9999' })] })
  const answer = await erp.draftSales([
    { document: good, buyer },
    { document: bad, buyer },
  ])
  expect(answer).toEqual({ refused: 'no product with code SKU-9999', duplicate: false })
  expect(await erp.findSales([good.reference, bad.reference])).toEqual(new Map())
})

test('the ERP itself refuses a second sale of one reference', async () => {
  const document = aDocument({ order_id: '10' })
  taken(await erp.draftSales([{ document, buyer }]))
  expect(await erp.draftSales([{ document, buyer }])).toMatchObject({ duplicate: true })
})

test('a sale that a crash of the ERP left confirmed without a shipment gets it', async () => {
  const document = aDocument({ order_id: '11' })
  const ids = taken(await erp.draftSales([{ document, buyer }])).map(Number)
  await admin.ask('model.sale.sale.quote', [ids])
  await admin.ask('model.sale.sale.write', [ids, { state: 'confirmed' }])
  await deliver(document)
  expect(await read('sale.sale', [['id', 'in', ids]], ['state', 'shipments'])).toMatchObject([
    { state: 'processing', shipments: [expect.any(Number)] },
  ])
})

test('a delta reserves and releases stock once, whatever number of times it is booked', async () => {
  const delta = { reference: 'delta-1', warehouse: '', pieces: { 'SKU-0003': 5, 'SKU-0004': 2 } }
  const back = { reference: 'delta-2', warehouse: '', pieces: { 'SKU-0003': -1, 'SKU-0004': 1 } }
  for (const one of [delta, delta, back, back]) taken(await erp.bookDelta(one))
  expect(await reservedPieces('SKU-0003', 'SKU-0004')).toEqual({ 'SKU-0003': 4, 'SKU-0004': 3 })
})

test('a delta whose booking was interrupted is finished, not booked again', async () => {
  const rpc = rpcAs(running.sink)
  const whole = rpc.call.bind(rpc)
  rpc.call = (method, ...rest) =>
    method.endsWith('.assign_force')
      ? Promise.reject(new DependencyError('erp', 'time-out'))
      : whole(method, ...rest)
  const delta = { reference: 'delta-3', warehouse: 'SH1', pieces: { 'SKU-0005': 7 } }
  await expect(erpAs(rpc).bookDelta(delta)).rejects.toThrow('time-out')
  taken(await erp.bookDelta(delta))
  expect(await reservedPieces('SKU-0005')).toEqual({ 'SKU-0005': 7 })
})

async function shipmentsOf(reference: string): Promise<string[]> {
  const found = await read('stock.shipment.internal', [['reference', '=', reference]], ['state'])
  return found.map(({ state }) => String(state)).sort()
}

/** An ERP that is slow to create shipments: its client gives up, and the call goes through when `pass` is called. */
function erpSlowToCreate(): {
  readonly erp: ErpPort
  readonly pass: () => Promise<unknown>
} {
  const rpc = rpcAs(running.sink)
  const whole = rpc.call.bind(rpc)
  let pass = (): Promise<unknown> => Promise.reject(new Error('nothing was held back'))
  rpc.call = (method, ...rest) => {
    if (method !== 'model.stock.shipment.internal.create') return whole(method, ...rest)
    pass = () => whole(method, ...rest)
    return Promise.reject(new DependencyError('erp', 'time-out'))
  }
  return { erp: erpAs(rpc), pass: () => pass() }
}

test('a delta the ERP was slow to create is not created again while it may be under way, and then is found', async () => {
  const { erp: slow, pass } = erpSlowToCreate()
  const delta = { reference: 'delta-4', warehouse: '', pieces: { 'SKU-0006': 7 } }
  await expect(slow.bookDelta(delta)).rejects.toThrow('time-out')
  await expect(slow.bookDelta(delta)).rejects.toThrow('may still be creating delta-4')
  await pass()
  taken(await slow.bookDelta(delta))
  expect(await shipmentsOf('delta-4')).toEqual(['done'])
  expect(await reservedPieces('SKU-0006')).toEqual({ 'SKU-0006': 7 })
})

test.each(['wait', 'done', 'later'])(
  'a delta the ERP creates twice after all, the other at "%s", is booked once and the surplus cancelled',
  async (moment) => {
    const { erp: slow, pass } = erpSlowToCreate()
    const pieces = { 'SKU-0007': 3, 'SKU-0008': -2 }
    const delta = { reference: `delta-twice-${moment}`, warehouse: '', pieces }
    const held = await reservedPieces('SKU-0007', 'SKU-0008')
    await expect(slow.bookDelta(delta)).rejects.toThrow('time-out')
    const rpc = rpcAs(running.sink)
    const whole = rpc.call.bind(rpc)
    rpc.call = async (method, ...rest) => {
      if (method === `model.stock.shipment.internal.${moment}`) await pass()
      return whole(method, ...rest)
    }
    taken(await erpAs(rpc).bookDelta(delta))
    if (moment === 'later') await pass()
    taken(await erp.bookDelta(delta))
    expect(await shipmentsOf(delta.reference)).toEqual(['cancelled', 'cancelled', 'done', 'done'])
    expect(await reservedPieces('SKU-0007', 'SKU-0008')).toEqual({
      'SKU-0007': (held['SKU-0007'] ?? 0) + 3,
      'SKU-0008': (held['SKU-0008'] ?? 0) - 2,
    })
  },
)

test('of two creations that are both there before either is worked on, one is', async () => {
  const { erp: slow, pass } = erpSlowToCreate()
  const delta = { reference: 'delta-5', warehouse: '', pieces: { 'SKU-0009': 4 } }
  await expect(slow.bookDelta(delta)).rejects.toThrow('time-out')
  await Promise.all([pass(), pass()])
  taken(await erp.bookDelta(delta))
  expect(await shipmentsOf('delta-5')).toEqual(['cancelled', 'done'])
  expect(await reservedPieces('SKU-0009')).toEqual({ 'SKU-0009': 4 })
})

test('the sink may not see users, change products or delete sales', async () => {
  const sink = rpcAs(running.sink)
  await expect(sink.ask('model.res.user.create', [[{ name: 'x', login: 'x' }]])).rejects.toThrow(
    'not allowed',
  )
  await expect(sink.ask('model.product.template.write', [[1], { name: 'x' }])).rejects.toThrow(
    'not allowed',
  )
  const [cancelled] = await read('sale.sale', [['web_id', '=', 'douyin:shop:7']], ['id'])
  await expect(sink.ask('model.sale.sale.delete', [[cancelled?.['id']]])).rejects.toThrow(
    'not allowed',
  )
})

test('a wrong password is told in words, and the ERP is not asked again until it is time', async () => {
  const rpc = rpcAs({ ...running.sink, password: 'wrong' })
  await expect(rpc.ask('model.sale.sale.search', [[]])).rejects.toThrow(
    'refuses the password of user tributary-sink',
  )
  const started = Date.now()
  await expect(rpc.ask('model.sale.sale.search', [[]])).rejects.toThrow('refuses the password')
  expect(Date.now() - started).toBeLessThan(50)
})
