// The import's way to the gateway, in front of one that answers as it is told.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSendFigures } from '../../scripts/import/send-figures'
import { readTarget } from '../../scripts/import/import-settings'
import { checkSignature } from '../../services/order-gateway/signature'

const secret = 'a-secret-of-16-chars'
let server: Server
let answers: (readonly [status: number, body: unknown])[] = []
let asked: { path: string; figures: unknown[]; signed: boolean }[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const header = String(request.headers['x-tributary-signature'])
      const verdict = checkSignature({
        ...{ header, body, secrets: [secret], nowMs: Date.now(), ageMaxSeconds: 5 },
      })
      const figures = JSON.parse(String(body)) as unknown[]
      asked.push({ path: request.url ?? '', figures, signed: !('fault' in verdict) })
      const taken = { figures: figures.map(() => ({ status: 'accepted' })) }
      const [status, answer] = answers.shift() ?? ([200, taken] as const)
      response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterAll(() => {
  server.close()
})

beforeEach(() => {
  answers = []
  asked = []
})

function open(waits: string[] = []) {
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return createSendFigures({ url, source: 'finance', secret, waiting: (why) => waits.push(why) })
}

test('figures are signed for their source and kind, and each is told of', async () => {
  const fault = { field: 'currency', fault: 'must be an ISO 4217 code' }
  answers = [[422, { figures: [{ status: 'accepted' }, { status: 'rejected', faults: [fault] }] }]]
  expect(await open()('ad-spend', [1, 2])).toEqual([[], [fault]])
  expect(asked).toEqual([{ path: '/figures/ad-spend/finance', figures: [1, 2], signed: true }])
})

test('a gateway that is busy or away is asked again', async () => {
  const waits: string[] = []
  answers = [
    [503, { error: 'not taken: try again' }],
    [429, { error: 'too many: slow down' }],
  ]
  expect(await open(waits)('ad-spend', [1])).toEqual([[]])
  expect(asked).toHaveLength(3)
  expect(waits).toEqual(['gateway: answered 503', 'gateway: answered 429'])
})

test('what is too much for one request is sent in halves, in order', async () => {
  answers = [[413, { error: 'too many figures: 3, at most 2' }]]
  expect(await open()('ad-spend', [1, 2, 3])).toEqual([[], [], []])
  expect(asked.map(({ figures }) => figures)).toEqual([[1, 2, 3], [1], [2, 3]])
})

test.each([
  [401, { error: 'wrong signature' }, /answered 401: wrong signature/],
  [403, { error: 'this source may send no ad-spend' }, /answered 403: this source may send no/],
  [404, '<html>', /answered 404: what is no answer of a gateway/],
  [413, { error: 'body too large' }, /answered 413: body too large/],
  [200, { figures: [] }, /answered 200: no reason/],
])(
  'an answer %d that settles nothing ends the import with its words',
  async (status, body, words) => {
    answers = [[status, body]]
    await expect(open()('ad-spend', [1])).rejects.toThrow(words)
  },
)

test('a target half described is not completed from the demo', () => {
  const said: string[] = []
  const say = (line: string): unknown => said.push(line)
  expect(() => readTarget({ GATEWAY_URL: 'http://gateway:8080' }, say)).toThrow(
    'configuration: IMPORT_SOURCE: missing; IMPORT_SECRET: missing',
  )
  const given = { GATEWAY_URL: 'http://gateway:8080/', IMPORT_SOURCE: 'a', IMPORT_SECRET: secret }
  expect(readTarget(given, say)).toEqual({ url: 'http://gateway:8080', source: 'a', secret })
  expect(said).toEqual([])
})
