// What the demo prints for people: revenue per channel and model side by side, one order explained, what the
// ERP holds, how fresh it all is.
import type { Warehouse } from '../../services/runtime/clickhouse'
import type { ErpFound, Found } from './tables'

const shownModels = [
  ...['first', 'last', 'last_non_direct', 'linear', 'u_shape', 'time_decay', 'markov', 'shapley'],
  'claim',
]

export async function printReport(
  warehouse: Warehouse,
  run: string,
  { found, erp }: { found: Found; erp: ErpFound },
): Promise<void> {
  await printChannels(warehouse, run)
  await printOrder(warehouse, run)
  printErp(erp)
  const { freshness, orderFreshness } = found
  heading('Freshness: from the edge to a row in ClickHouse')
  console.log(`touchpoints   p50 ${freshness.p50} ms   p99 ${freshness.p99} ms`)
  console.log(
    `orders        p50 ${orderFreshness.p50} ms   p99 ${orderFreshness.p99} ms (with their credits)`,
  )
}

function heading(text: string): void {
  console.log(`\n${text}\n${'─'.repeat(text.length)}`)
}

async function printChannels(warehouse: Warehouse, run: string): Promise<void> {
  const rows = await warehouse.query<{ channel: string; model: string; amount: number }>(
    `SELECT channel, model, sum(amount_minor) AS amount FROM ${warehouse.database}.credits
     WHERE order_id LIKE {run:String} GROUP BY channel, model`,
    { run: `${run}-%` },
  )
  const channels = [...new Set(rows.map(({ channel }) => channel))]
  const amount = (channel: string, model: string): number =>
    rows.find((row) => row.channel === channel && row.model === model)?.amount ?? 0
  const total = (model: string): number =>
    channels.reduce((sum, channel) => sum + amount(channel, model), 0)
  channels.sort((a, b) => amount(b, 'linear') - amount(a, 'linear'))
  heading('Revenue by channel, the models side by side (CNY)')
  const line = (name: string, cells: readonly string[]): void => {
    console.log(name.padEnd(18) + cells.map((cell) => cell.padStart(16)).join(''))
  }
  line('', shownModels)
  for (const channel of channels) {
    line(
      channel,
      shownModels.map((model) => yuan(amount(channel, model))),
    )
  }
  line(
    'total',
    shownModels.map((model) => yuan(total(model))),
  )
}

async function printOrder(warehouse: Warehouse, run: string): Promise<void> {
  const { database } = warehouse
  const [order] = await warehouse.query<
    Record<string, unknown> & { order_key: string; person: string }
  >(
    `SELECT order_key, status, cause, version, person, net_minor, touches, touches_counted
     FROM ${database}.orders_current WHERE order_id LIKE {run:String} AND net_minor > 0
     ORDER BY touches > touches_counted DESC, version DESC, touches DESC LIMIT 1`,
    { run: `${run}-%` },
  )
  if (order === undefined) return
  const { order_key: orderKey, person } = order
  heading(`One order explained: ${orderKey}`)
  console.log(
    `${yuan(Number(order['net_minor']))} CNY net, ${String(order['status'])}, version ${String(order['version'])} (last cause: ${String(order['cause'])})`,
  )
  const touches = await warehouse.query<Record<string, unknown>>(
    `SELECT formatDateTime(first_at, '%H:%i:%S') AS at, type, channel, room, touches, counted, reason, touchpoint_id
     FROM ${database}.journeys WHERE order_key = {orderKey:String} ORDER BY position`,
    { orderKey },
  )
  for (const { at, type, channel, room, touches: n, counted, reason } of touches) {
    const times = Number(n) > 1 ? ` ×${Number(n)}` : ''
    console.log(
      `  ${counted === true ? '●' : '○'} ${String(at)}  ${String(type).padEnd(11)} ${String(channel)} ${String(room)}${times}  ${counted === true ? 'counted' : `not counted: ${String(reason)}`}`,
    )
  }
  const credits = await warehouse.query<Record<string, unknown>>(
    `SELECT model, groupArray(concat(channel, ' ', toString(amount_minor))) AS shares FROM ${database}.credits
     WHERE order_key = {orderKey:String} GROUP BY model ORDER BY model`,
    { orderKey },
  )
  for (const { model, shares } of credits) {
    console.log(`  ${String(model).padEnd(16)} ${(shares as string[]).join('   ')}`)
  }
  const identifiers = await warehouse.query<Record<string, unknown>>(
    `SELECT identifier, state, seen_with FROM ${database}.identities_current WHERE person = {person:String} ORDER BY identifier`,
    { person },
  )
  console.log('  identity, with whom each identifier was seen:')
  for (const { identifier, state, seen_with: seenWith } of identifiers) {
    console.log(
      `    ${String(identifier)} (${String(state)}) with ${(seenWith as string[]).join(', ') || 'nobody'}`,
    )
  }
}

function printErp({ sales, samples }: ErpFound): void {
  heading(`In the ERP: ${sales} sales of this evening, for example`)
  for (const { web_id, number, state, total, channel, comment } of samples) {
    console.log(
      `  sale ${number.padEnd(6)} ${web_id.padEnd(40)} ${state.padEnd(11)} ${total.padStart(9)} CNY  source ${channel}  ${comment.replaceAll('\n', ' · ')}`,
    )
  }
}

function yuan(minor: number): string {
  return (minor / 100).toFixed(2)
}
