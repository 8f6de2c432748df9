import { mkdirSync } from 'node:fs'
import { answersOk, type Part } from './part'
import { builtScript } from './run-part'

/** The ClickHouse engine behind our own HTTP server; its npm package is all there is to install. */
export function clickhousePart(options: {
  readonly dataDirectory: string
  readonly port: number
}): Part {
  const { dataDirectory, port } = options
  mkdirSync(dataDirectory, { recursive: true })
  const script = builtScript('infra/local/clickhouse-server')
  return {
    name: 'clickhouse',
    command: process.execPath,
    args: [script, '--directory', dataDirectory, '--port', String(port)],
    // The engine works on libuv's threads; four are too few for writers and dashboards at once.
    env: { UV_THREADPOOL_SIZE: '16' },
    cwd: dataDirectory,
    ready: () => answersOk(`${clickhouseUrlOf(port)}/ping`),
  }
}

export function clickhouseUrlOf(port: number): string {
  return `http://127.0.0.1:${port}`
}
