import { Agent, createServer, request as httpRequest, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { listen } from '../../services/runtime/http'
import { until } from '../support/until'

test('a stopping server waits for no connection that is idle, silent or answered while it stops', async () => {
  const held: ServerResponse[] = []
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    if (request.url === '/held') held.push(response)
    else response.end('now')
  })
  const listening = await listen(server, '127.0.0.1', 0)
  const agent = new Agent({ keepAlive: true })
  const get = (path: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      httpRequest({ port: listening.port, path, agent }, (response) => {
        response.resume().once('end', () => {
          resolve(response.statusCode)
        })
      })
        .once('error', reject)
        .end()
    })
  const silent = connect(listening.port, '127.0.0.1')
  silent.on('error', () => undefined)
  const answered = get('/held')
  await get('/at-once')
  await until(() => held.length === 1 && silent.readyState === 'open')
  const order: string[] = []
  const closed = listening.close().then(() => order.push('closed'))
  order.push('answering')
  held[0]?.end('late')
  expect(await answered).toBe(200)
  await closed
  expect(order).toEqual(['answering', 'closed'])
  agent.destroy()
})
