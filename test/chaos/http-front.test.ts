import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startHttpFront, type HttpFront } from '../../scripts/chaos/http-front'
import { until } from '../support/until'

let service: Server
let front: HttpFront
let heard: string[]

beforeEach(async () => {
  heard = []
  service = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      heard.push(`${request.method ?? ''} ${request.url ?? ''} ${body}`)
      response.writeHead(201, { 'x-own': 'yes' }).end('{"result":[1,2,3]}')
    })
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  front = await startHttpFront((service.address() as AddressInfo).port)
})

afterEach(async () => {
  await front.close()
  await new Promise((resolve) => service.close(resolve))
})

function ask(body = 'hello'): Promise<Response> {
  return fetch(`http://127.0.0.1:${front.port}/path?q=1`, { method: 'POST', body })
}

test('requests and answers pass as they are', async () => {
  const answer = await ask()
  expect([answer.status, answer.headers.get('x-own'), await answer.text()]).toEqual([
    201,
    'yes',
    '{"result":[1,2,3]}',
  ])
  expect(heard).toEqual(['POST /path?q=1 hello'])
})

test('failures come in turn, until they are called off', async () => {
  front.fail(
    { kind: 'answer', status: 200, type: 'text/html', body: '<h1>Maintenance</h1>' },
    { kind: 'truncate' },
    { kind: 'lose' },
  )
  const seen: string[] = []
  for (let turn = 0; turn < 3; turn += 1) {
    const answer = await ask(String(turn))
    seen.push(`${answer.status} ${await answer.text()}`)
  }
  expect(seen).toEqual([
    '200 <h1>Maintenance</h1>',
    '201 {"result"',
    '502 <h1>502 Bad Gateway</h1>',
  ])
  expect(heard.map((line) => line.at(-1))).toEqual(['1', '2'])
  expect(front.failed()).toBe(3)

  front.fail()
  expect((await ask()).status).toBe(201)
})

test('a late answer is late although the work is done at once', async () => {
  front.fail({ kind: 'late', ms: 60_000 })
  const given = AbortSignal.timeout(500)
  const late = fetch(`http://127.0.0.1:${front.port}/`, { signal: given })
  await expect(late).rejects.toMatchObject({ name: 'TimeoutError' })
  expect(heard).toHaveLength(1)
})

test('a request that is held is done after its client has given up', async () => {
  front.fail({ kind: 'held', ms: 700 })
  const given = AbortSignal.timeout(300)
  const held = fetch(`http://127.0.0.1:${front.port}/`, {
    ...{ method: 'POST', body: 'do it', signal: given },
  })
  await expect(held).rejects.toMatchObject({ name: 'TimeoutError' })
  expect(heard).toEqual([])
  await until(() => heard.length > 0)
  expect(heard).toEqual(['POST / do it'])
})

test('a service that is gone breaks connections off', async () => {
  service.closeAllConnections()
  await new Promise((resolve) => service.close(resolve))
  await expect(ask()).rejects.toThrow('fetch failed')
})
