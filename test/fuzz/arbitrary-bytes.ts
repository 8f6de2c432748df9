// Bytes that are no HTTP, nearly HTTP, or HTTP that two servers could read differently.
import fc from 'fast-check'
import { collectorKeys } from './fuzzed-edges'

/** Its event must never be taken: it stands inside another request, or behind one that is ambiguous. */
export const smuggledId = 'smuggled'
const [key] = collectorKeys
const inner = `GET /p.gif?write_key=${key}&channel=c&id=${smuggledId} HTTP/1.1\r\nhost: edge\r\n\r\n`

/** A request whose end two servers could see in different places, with another one in the gap. */
export const ambiguousRequests: readonly string[] = [
  ...[
    `content-length: ${inner.length + 5}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    `transfer-encoding: chunked\r\ncontent-length: ${inner.length + 5}\r\n\r\n0\r\n\r\n`,
    `content-length: 0\r\ncontent-length: ${inner.length}\r\n\r\n`,
    `content-length: 0, ${inner.length}\r\n\r\n`,
    'content-length: 0\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'content-length: +0\r\n\r\n',
    'content-length: -1\r\n\r\n',
    'content-length: 0x0\r\n\r\n',
    'content-length: 99999999999999999999\r\n\r\n',
    'content-length : 0\r\n\r\n',
    'content-length:\r\n 0\r\n\r\n',
    'content-length: 0\r\n\tcontinued: x\r\n\r\n',
    'transfer-encoding: xchunked\r\n\r\n0\r\n\r\n',
    'transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'transfer-encoding: identity, chunked, identity\r\n\r\n0\r\n\r\n',
    'transfer-encoding: gzip\r\n\r\n0\r\n\r\n',
    'transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n',
    'transfer-encoding : chunked\r\n\r\n0\r\n\r\n',
    'transfer-encoding:\u000bchunked\r\n\r\n0\r\n\r\n',
    'transfer-encoding: "chunked"\r\n\r\n0\r\n\r\n',
    'x: y\rtransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'x: y\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'x: a\u0000b\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n',
    'transfer-encoding: chunked\r\n\r\n+0\r\n\r\n',
    'transfer-encoding: chunked\r\n\r\n-1\r\n\r\n',
    'transfer-encoding: chunked\r\n\r\n00000000000000000000000000\r\n\r\n'.replace('00\r', '0g\r'),
    'transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n\r\n',
    'transfer-encoding: chunked\r\n\r\n0;a\nb\r\n\r\n',
    'transfer-encoding: chunked\r\n\r\n1\r\naX\r\n0\r\n\r\n',
    'transfer-encoding: chunked\n\n0\n\n',
  ].map((rest) => `POST /collect HTTP/1.1\r\nhost: edge\r\nx-write-key: ${key}\r\n${rest}${inner}`),
  `POST /collect HTTP/1.1\r\ncontent-length: 0\r\n\r\n${inner}`,
  `POST /collect HTTP/1.1\r\nhost: edge\r\nhost: evil\r\ntransfer-encoding: chunked, x\r\n\r\n0\r\n\r\n${inner}`,
  `POST /collect HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
  `POST /collect HTTP/9.9\r\nhost: edge\r\n\r\n${inner}`,
  `POST /collect\r\n\r\n${inner}`,
  `post /collect HTTP/1.1\r\nhost: edge\r\n\r\n${inner}`,
  `POST /col lect HTTP/1.1\r\nhost: edge\r\n\r\n${inner}`,
  `\u0000POST /collect HTTP/1.1\r\nhost: edge\r\n\r\n${inner}`,
  `CONNECT edge:80 HTTP/1.1\r\nhost: edge\r\n\r\n${inner}`,
  `POST /collect HTTP/1.1\r\nhost: edge\r\ncontent-length: ${inner.length}\r\nx-write-key: ${key}\r\n\r\n${inner}`,
  `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${inner}`,
]

const headerBomb = fc
  .tuple(fc.constantFrom(1, 10, 5_000), fc.constantFrom(1, 100, 20_000))
  .map(([count, size]) => {
    const lines = Array.from(
      { length: Math.min(count, Math.ceil(40_000 / size)) },
      (_, at) => `h${at}: ${'x'.repeat(size)}\r\n`,
    )
    return Buffer.from(`GET /p.gif HTTP/1.1\r\nhost: edge\r\n${lines.join('')}\r\n`)
  })

const nearlyHttp = fc
  .tuple(
    fc.constantFrom(
      `POST /collect HTTP/1.1\r\nhost: edge\r\nx-write-key: wrong\r\ncontent-length: 2\r\n\r\n[]`,
      `POST /orders/main HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n`,
      'GET /p.gif?write_key=wrong HTTP/1.1\r\nhost: edge\r\n\r\n',
    ),
    fc.array(
      fc.tuple(
        fc.nat(300),
        fc.constantFrom('flip' as const, 'cut', 'twice', 'insert'),
        fc.nat(255),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  )
  .map(([text, changes]) =>
    changes.reduce((bytes, [place, change, byte]) => {
      const at = bytes.length === 0 ? 0 : place % bytes.length
      const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
      switch (change) {
        case 'flip':
          return Buffer.concat([before, Buffer.from([byte]), after.subarray(1)])
        case 'cut':
          return after
        case 'twice':
          return Buffer.concat([before, after, after])
        case 'insert':
          return Buffer.concat([before, Buffer.from([byte, byte]), after])
      }
    }, Buffer.from(text)),
  )

/** Bytes for a connection of their own. */
export const rawBytes: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 5, arbitrary: nearlyHttp },
  {
    weight: 3,
    arbitrary: fc.constantFrom(...ambiguousRequests).map((text) => Buffer.from(text, 'latin1')),
  },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: headerBomb },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
      Buffer.alloc(70_000, '\r\n'),
      Buffer.alloc(70_000, 'GET '),
      Buffer.from('\r\n'.repeat(10)),
      Buffer.alloc(0),
    ),
  },
)
