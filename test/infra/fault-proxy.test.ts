import { connect, createServer, type Server, type Socket } from 'node:net'
import { breakOff, startFaultProxy, type FaultProxy } from '../../infra/local/fault-proxy'
import { until } from '../support/until'

let echo: Server
let proxy: FaultProxy

interface Client {
  readonly socket: Socket
  heard: string
  /** `end`, or the code of the error it ended with. */
  ended: string | null
}

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.pipe(socket)
  })
  const port = await new Promise<number>((resolve) => {
    echo.listen(0, '127.0.0.1', () => {
      const address = echo.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  proxy = await startFaultProxy({ upstream: { host: '127.0.0.1', port } })
})

afterEach(async () => {
  await proxy.close()
  await new Promise((resolve) => echo.close(resolve))
})

function open(): Client {
  const client: Client = {
    socket: connect(proxy.port, '127.0.0.1'),
    heard: '',
    ended: null,
  }
  client.socket.on('data', (chunk: Buffer) => (client.heard += chunk.toString()))
  client.socket.on('end', () => (client.ended ??= 'end'))
  client.socket.on('error', (error: NodeJS.ErrnoException) => (client.ended ??= error.code ?? ''))
  return client
}

async function talking(): Promise<Client> {
  const client = open()
  client.socket.write('hello')
  await until(() => client.heard === 'hello')
  return client
}

test('what is sent comes back through the proxy, and an end ends both sides', async () => {
  const client = await talking()
  client.socket.end('bye')
  await until(() => client.ended === 'end')
  expect(client.heard).toBe('hellobye')
  await until(() => proxy.connections() === 0)
})

test('a cut resets every connection, and new ones work', async () => {
  const client = await talking()
  proxy.cut()
  await until(() => client.ended === 'ECONNRESET')
  ;(await talking()).socket.destroy()
})

test('refused connections are refused until the fault ends', async () => {
  const before = await talking()
  await proxy.refuse()
  await until(() => before.ended === 'ECONNRESET')
  const refused = open()
  await until(() => refused.ended === 'ECONNREFUSED')
  await proxy.pass()
  ;(await talking()).socket.destroy()
})

test('a half-open connection swallows all and closes nothing, also after the fault; new ones work then', async () => {
  const dead = await talking()
  proxy.stall()
  dead.socket.write('lost')
  const alsoDead = open()
  alsoDead.socket.write('lost')
  await until(() => proxy.connections() === 2)
  await proxy.pass()
  ;(await talking()).socket.destroy()
  dead.socket.write('lost too')
  ;(await talking()).socket.destroy()
  expect([dead.heard, dead.ended, alsoDead.heard, alsoDead.ended]).toEqual([
    'hello',
    null,
    '',
    null,
  ])
})

test('a delay keeps the order', async () => {
  const client = await talking()
  proxy.delay(30)
  client.socket.write('1')
  await until(() => client.heard === 'hello1')
  client.socket.write('2')
  await proxy.pass()
  client.socket.write('3')
  await until(() => client.heard === 'hello123')
  client.socket.destroy()
})

test('a connection that is just saying its end can be broken off, and leaves nothing open', async () => {
  const client = await talking()
  let closed = false
  client.socket.on('close', () => (closed = true))
  client.socket.end()
  breakOff(client.socket)
  await until(() => closed)
})
