// The bounds of an edge against clients over real sockets.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { writeAnswer, type Listener } from '../../services/runtime/answer'
import type { EdgeGuard, EdgeGuardSettings } from '../../services/runtime/edge-guard'
import { readBytes } from '../../services/runtime/read-bytes'
import { createEdgeBench, createTestGuard, serve, type RunningServer } from '../support/edge-fakes'
import { until } from '../support/until'

const running: RunningServer[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of running.splice(0)) await server.close()
})

interface Edge {
  readonly port: number
  readonly guard: EdgeGuard
  /** Value of a metric, by its line up to the value. */
  readonly metric: (line: string) => Promise<number>
  readonly turnedAway: (reason: string) => Promise<number>
}

/** An edge that answers the number of bytes it was sent, or whatever `listener` does. */
async function startEdge(
  own: Partial<EdgeGuardSettings> = {},
  listener?: (guard: EdgeGuard) => Listener,
): Promise<Edge> {
  const bench = createEdgeBench('Order', () => '')
  const guard = createTestGuard(bench, own)
  const count: Listener = (request, response) => {
    void readBytes(request, guard.bodies, own.BODY_BYTES_MAX ?? 100_000).then((read) => {
      const answer = 'status' in read ? read : { status: 200, body: { bytes: read.length } }
      writeAnswer(response, answer)
    })
  }
  const server = await serve(listener?.(guard) ?? count, guard)
  running.push(server)
  const metric = async (line: string): Promise<number> => {
    const text = await bench.metrics.registry.metrics()
    const found = text.split('\n').find((one) => one.startsWith(`attribution_bench_${line} `))
    return Number(found?.split(' ').at(-1) ?? 0)
  }
  return {
    ...{ port: server.port, guard, metric },
    turnedAway: (reason) => metric(`turned_away_total{reason="${reason}"}`),
  }
}

interface Client {
  readonly socket: Socket
  readonly received: () => string
  readonly isClosed: () => boolean
}

function open(port: number, text = ''): Client {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  let received = ''
  let closed = false
  socket.setEncoding('utf8').on('data', (chunk) => {
    received += String(chunk)
  })
  socket.on('error', () => undefined)
  socket.once('close', () => {
    closed = true
  })
  if (text !== '') socket.write(text)
  return { socket, received: () => received, isClosed: () => closed }
}

const get = 'GET / HTTP/1.1\r\nhost: edge\r\n\r\n'
const post = (length: number): string =>
  `POST / HTTP/1.1\r\nhost: edge\r\ncontent-length: ${length}\r\n\r\n`

test('a client that dribbles its headers or its body is told so and cut off', async () => {
  const { port, turnedAway } = await startEdge({ REQUEST_TIMEOUT_MS: 300 })
  const clients = [open(port, `${get.trim()}\r\nx: `), open(port, `${post(1_000)}x`), open(port)]
  const dribble = setInterval(() => {
    for (const { socket } of clients.slice(0, 2)) if (socket.writable) socket.write('x')
  }, 20)
  await until(() => clients.every((client) => client.isClosed()))
  clearInterval(dribble)
  for (const { received } of clients) {
    expect(received()).toMatch(/^HTTP\/1\.1 408 .*nosniff.*"error":"too slow"/s)
  }
  expect(await turnedAway('timeout')).toBe(3)
})

test('when connections run out, the one idle for longest makes room, not the newcomer', async () => {
  const { port, turnedAway, metric } = await startEdge({ CONNECTIONS_MAX: 3 })
  const clients = [open(port), open(port, get), open(port, 'GET / HT')]
  await until(() => clients[1]?.received().includes('200') === true)
  await until(async () => (await metric('open_connections')) === 3)
  const newcomers = [open(port, get), open(port, get)]
  await until(() => newcomers.every(({ received }) => received().includes('200')))
  await until(() => clients[0]?.isClosed() === true && clients[2]?.isClosed() === true)
  expect(clients[1]?.isClosed()).toBe(false)
  expect(await turnedAway('idle')).toBe(2)
  expect(await metric('open_connections')).toBe(3)
})

test('a newcomer is refused only while every connection has a whole request under way', async () => {
  const held: ServerResponse[] = []
  const hold = (): Listener => (_request: IncomingMessage, response) => {
    held.push(response)
  }
  const { port, turnedAway } = await startEdge({ CONNECTIONS_MAX: 2 }, hold)
  const busy = [open(port, get), open(port, get)]
  await until(() => held.length === 2)
  const refused = open(port, get)
  await until(() => refused.isClosed())
  expect(await turnedAway('connections')).toBe(1)
  for (const response of held) writeAnswer(response, { status: 200, body: null })
  await until(() => busy.every(({ received }) => received().includes('200')))
  const admitted = open(port, get)
  await until(() => held.length === 3)
  expect(admitted.isClosed()).toBe(false)
})

test('more requests at once than allowed hear 503, or lose the connection they pile up on', async () => {
  const hold = (): Listener => () => undefined
  const { port, turnedAway, metric } = await startEdge({ REQUESTS_MAX: 2 }, hold)
  open(port, get)
  open(port, get)
  await until(async () => (await metric('open_requests')) === 2)
  const third = open(port, get)
  await until(() => third.isClosed())
  expect(third.received()).toMatch(/^HTTP\/1\.1 503 .*retry-after: 1/s)
  const piled = open(port, get.repeat(5))
  await until(() => piled.isClosed())
  expect(await turnedAway('requests')).toBeGreaterThanOrEqual(2)
})

test('a client that pipelines without end loses its connection', async () => {
  const { port, turnedAway } = await startEdge({}, () => () => undefined)
  const client = open(port, get.repeat(65))
  await until(() => client.isClosed())
  expect(await turnedAway('pipelined')).toBe(1)
})

test('a connection that breaks leaves nothing behind of the requests that waited on it', async () => {
  const reading =
    (guard: EdgeGuard): Listener =>
    (request) => {
      void guard.bodies.read(request, 1_000)
    }
  const { port, metric } = await startEdge({}, reading)
  const client = open(port, `${post(5)}12345`.repeat(10))
  await until(async () => (await metric('body_bytes')) >= 10_000)
  client.socket.destroy()
  await until(async () => (await metric('open_connections')) === 0)
  expect([await metric('open_requests'), await metric('body_bytes')]).toEqual([0, 0])
})

test('a client that never reads its answer does not keep it in memory', async () => {
  const big = (): Listener => (_request, response) => {
    writeAnswer(response, { status: 200, body: Buffer.alloc(50_000_000) })
  }
  const limits = { REQUEST_TIMEOUT_MS: 100, PRODUCE_TIMEOUT_MS: 100 }
  const { port, turnedAway, metric } = await startEdge(limits, big)
  const socket = connect(port, '127.0.0.1').pause()
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.write(get)
  await until(async () => (await turnedAway('unread')) === 1)
  await until(async () => (await metric('open_connections')) === 0)
})

test('slow bodies give way to fast ones when there is no room for both', async () => {
  const limits = { BODY_BYTES_MAX: 10_000, BODIES_BYTES_MAX: 20_000 }
  const { port, turnedAway, metric } = await startEdge(limits)
  const heldBytes = (): Promise<number> => metric('body_bytes')
  const slow = [open(port), open(port)]
  for (const { socket } of slow) {
    socket.write(`${post(10_000)}${'x'.repeat(9_000)}`)
    await until(async () => (await heldBytes()) >= 9_000)
  }
  await until(async () => (await heldBytes()) >= 18_000)
  const fast = open(port, `${post(8_000)}${'x'.repeat(8_000)}`)
  await until(() => fast.received().includes('"bytes":8000'))
  await until(() => slow[0]?.isClosed() === true)
  expect(slow[0]?.received()).toMatch(/^HTTP\/1\.1 503 .*retry-after: 1/s)
  expect(slow[1]?.isClosed()).toBe(false)
  expect(await turnedAway('bodies')).toBe(1)
  slow[1]?.socket.write('x'.repeat(1_000))
  await until(() => slow[1]?.received().includes('"bytes":10000') === true)
  await until(async () => (await heldBytes()) === 0)
})

test('a body in a hundred thousand chunks of one byte takes the room of its bytes', async () => {
  const { port, metric } = await startEdge({ BODY_BYTES_MAX: 100_000 })
  const client = open(port, 'POST / HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n')
  client.socket.write('1\r\nx\r\n'.repeat(99_999))
  await until(async () => (await metric('body_bytes')) >= 99_999)
  expect(await metric('body_bytes')).toBe(100_000)
  client.socket.write('0\r\n\r\n')
  await until(() => client.received().includes('"bytes":99999'))
})

test.each([
  ['no host', 'GET / HTTP/1.1\r\nx: y\r\n\r\n', 400, 'host missing'],
  ['another server', 'GET http://evil/ HTTP/1.1\r\nhost: edge\r\n\r\n', 400, 'malformed path'],
  ['no HTTP', 'nonsense\r\n\r\n', 400, 'malformed request'],
  [
    'a long head',
    `GET / HTTP/1.1\r\nhost: edge\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
    431,
    'headers too large',
  ],
  [
    'an odd expectation',
    'GET / HTTP/1.1\r\nhost: edge\r\nexpect: magic\r\n\r\n',
    417,
    'no such expectation',
  ],
])('%s is answered with our own words and headers', async (_what, text, status, words) => {
  const { port } = await startEdge()
  const client = open(port, text)
  await until(() => client.received().includes(words))
  expect(client.received()).toContain(`HTTP/1.1 ${status} `)
  expect(client.received()).toContain("content-security-policy: default-src 'none'")
})

test('nonsense behind a request that is under way does not take the place of its answer', async () => {
  const held: ServerResponse[] = []
  const { port } = await startEdge({}, () => (_request, response) => {
    held.push(response)
  })
  const client = open(port, `${get}nonsense\r\n\r\n`)
  await until(() => held.length === 1)
  for (const response of held) writeAnswer(response, { status: 200, body: { yes: true } })
  await until(() => client.isClosed())
  expect(client.received()).toMatch(/^HTTP\/1\.1 200 .*\{"yes":true\}$/s)
})

test('a pipelined Expect does not tear the answer before it apart', async () => {
  const { port } = await startEdge()
  const expecting = post(2).replace('host', 'expect: 100-continue\r\nhost')
  const client = open(port, `${post(1)}x${expecting}xx`)
  await until(() => client.isClosed())
  expect(client.received().match(/\{"bytes":\d\}|HTTP\/1\.1 \d+/g)).toEqual(
    [1, 2].flatMap((bytes) => ['HTTP/1.1 200', `{"bytes":${bytes}}`]),
  )
  const alone = open(port, expecting)
  await until(() => alone.received().includes('100 Continue'))
  alone.socket.write('xx')
  await until(() => alone.received().includes('"bytes":2'))
})

test('an Upgrade is not taken, and the connection says so', async () => {
  const { port } = await startEdge()
  const upgrade =
    'GET / HTTP/1.1\r\nhost: edge\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'
  const client = open(port, `${upgrade}${get}`)
  await until(() => client.isClosed())
  expect(client.received()).toMatch(/^HTTP\/1\.1 200 .*connection: close/is)
})

test('HSTS is sent where it is set, on every answer', async () => {
  const { port } = await startEdge({ HSTS_SECONDS: 60 })
  const client = open(port, get)
  await until(() => client.received().includes('"bytes":0'))
  expect(client.received()).toContain('strict-transport-security: max-age=60')
})

test('more connections than the system allows open files for are not promised', async () => {
  const { guard } = await startEdge({ CONNECTIONS_MAX: 2_000_000_000 })
  expect(guard.limits.connectionsMax).toBeLessThan(2_000_000_000)
})
