import { mkdirSync } from 'node:fs'
import { answersOk, answersOkEncrypted, type Part } from './part'
import { builtScript } from './run-part'

/** The ClickHouse engine behind our own HTTP server; its npm package is all there is to install. */
export function clickhousePart(options: {
  readonly dataDirectory: string
  readonly port: number
  /** Files of PEM, for a server behind TLS; see clickhouse-server.ts. */
  readonly tls?: { readonly certificate: string; readonly key: string }
}): Part {
  const { dataDirectory, port, tls } = options
  mkdirSync(dataDirectory, { recursive: true })
  const script = builtScript('infra/local/clickhouse-server')
  const encrypted = tls === undefined ? [] : ['--certificate', tls.certificate, '--key', tls.key]
  return {
    name: 'clickhouse',
    command: process.execPath,
    args: [script, '--directory', dataDirectory, '--port', String(port), ...encrypted],
    // The engine works on libuv's threads; four are too few for writers and dashboards at once.
    env: { UV_THREADPOOL_SIZE: '16' },
    cwd: dataDirectory,
    ready: () =>
      tls === undefined
        ? answersOk(`${clickhouseUrlOf(port)}/ping`)
        : answersOkEncrypted(`https://127.0.0.1:${port}/ping`),
  }
}

export function clickhouseUrlOf(port: number): string {
  return `http://127.0.0.1:${port}`
}
