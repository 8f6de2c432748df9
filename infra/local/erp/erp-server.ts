// One Python process that answers one request at a time: on SQLite two at once could ship an order twice.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const databaseName = 'erp'

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Writes the server's configuration into `dataDirectory` and tells where it is. */
export function writeServerConfig(dataDirectory: string): string {
  // The database holds what buyers are called and where they live.
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
  const file = join(dataDirectory, 'trytond.conf')
  const lines = [
    '[database]',
    'uri = sqlite://',
    `path = ${dataDirectory}`,
    '[queue]',
    'worker = False',
    '[attachment]',
    'filestore = False',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

export function serverCommand(
  python: string,
  options: { readonly config: string; readonly port: number },
): ServerCommand {
  return {
    command: python,
    args: [
      '-m',
      'waitress',
      `--listen=127.0.0.1:${options.port}`,
      '--threads=1',
      'trytond.application:app',
    ],
    env: { TRYTOND_CONFIG: options.config, TRYTOND_DATABASE_NAMES: databaseName },
  }
}

/** Runs the server for as long as its standard input is open, however its parent ends. */
const whileInputOpen = [
  'import os, sys, threading',
  'threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()',
  'import waitress.runner; waitress.runner.run(["waitress"] + sys.argv[1:])',
].join('\n')

/** The same server for a parent that must not leave it behind. */
export function boundServerCommand(
  python: string,
  options: { readonly config: string; readonly port: number },
): ServerCommand {
  const { args, ...rest } = serverCommand(python, options)
  return { ...rest, args: ['-c', whileInputOpen, ...args.slice(2)] }
}

/** True once the server answers for its database. */
export async function serverAnswers(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"id":0,"method":"common.server.version","params":[]}',
    signal: AbortSignal.timeout(2_000),
  })
  const body = (await response.json()) as { result?: unknown }
  return typeof body.result === 'string'
}
