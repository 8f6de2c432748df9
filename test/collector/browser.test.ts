import { identifierTools } from '../support/edge-fakes'
import { click, key, page, startCollector } from './start-collector'

describe('given a page of another origin', () => {
  test('a listed origin is named, with credentials', async () => {
    const { post, server } = await startCollector()
    const response = await post(click, { origin: page })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe(page)
    expect(response.headers.get('access-control-allow-credentials')).toBe('true')
    expect(response.headers.get('vary')).toBe('Origin')
    const preflight = await fetch(`${server.url}/collect`, {
      method: 'OPTIONS',
      headers: { origin: page, 'access-control-request-method': 'POST' },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe(page)
    expect(preflight.headers.get('access-control-allow-headers')).toContain('x-write-key')
  })

  test('another one is refused and never reflected', async () => {
    const { post, server, producer } = await startCollector()
    for (const origin of ['https://evil.example', 'null', 'http://shop.example']) {
      const response = await post(click, { origin })
      expect(response.status).toBe(403)
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
    const preflight = await fetch(`${server.url}/collect?write_key=${key}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example' },
    })
    expect(preflight.status).toBe(403)
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
    expect(producer.sends).toEqual([])
  })

  test('a source open to all answers a star, without credentials', async () => {
    const { post } = await startCollector()
    const response = await post(click, {
      'x-write-key': 'open-write-key-001',
      origin: 'https://any.example',
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('a page of the collector’s own host needs no permission', async () => {
    const { post, server } = await startCollector()
    expect((await post(click, { origin: server.url })).status).toBe(200)
  })
})

describe('given the visitor cookie', () => {
  const visitor = '11111111-2222-4333-8444-555555555555'
  const hashed = identifierTools.hash('visitor', '', visitor)

  test('a pixel mints it, and it names the visitor', async () => {
    const { pixel, records } = await startCollector()
    const response = await pixel(`write_key=${key}`)
    expect(response.headers.get('set-cookie')).toBe(
      `tv=${visitor}; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax`,
    )
    expect(records()[0]?.identifiers).toEqual([hashed])
  })

  test('it comes back, is renewed, and is Secure behind https', async () => {
    const { post, records } = await startCollector()
    const response = await post(
      { ...click, identifiers: { phone: '13812345678' } },
      { cookie: `a=b; tv=${visitor}`, 'x-forwarded-proto': 'https' },
    )
    expect(response.headers.get('set-cookie')).toMatch(/; Secure$/)
    expect(records()[0]?.identifiers[1]).toBe(hashed)
  })

  test('a server without cookies and origin gets none: one id would join all its people', async () => {
    const { post, records } = await startCollector()
    const response = await post([click, { ...click, id: 'e-2' }])
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(records().map(({ identifiers }) => identifiers)).toEqual([[], []])
  })

  test('a cookie that is no visitor id counts for nothing', async () => {
    const { post, records } = await startCollector()
    await post(click, { cookie: 'tv=anonymous' })
    expect(records()[0]?.identifiers).toEqual([])
  })

  test('a source may do without', async () => {
    const { pixel } = await startCollector()
    const response = await pixel('write_key=server-write-key-1&channel=x')
    expect(response.headers.get('set-cookie')).toBeNull()
  })
})
