// Files of figures, imported as an office would: by the command, through the gateway.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { projectDirectory } from '../../services/runtime/schemas'
import { figuresSource } from './clients'
import type { Sheet } from './figure-sheets'

export interface ImportWay {
  readonly directory: string
  readonly gatewayUrl: string
  readonly secret: string
}

/** Writes the sheets as files and imports them. @returns what the command said. @throws when a row is not taken */
export async function importSheets(
  sheets: readonly Sheet[],
  { directory, gatewayUrl, secret }: ImportWay,
): Promise<string[]> {
  mkdirSync(directory, { recursive: true })
  const said: string[] = []
  for (const { kind, columns, rows } of sheets) {
    const name = `${kind}.csv`
    writeFileSync(
      join(directory, name),
      `\ufeff${stringify([[...columns], ...rows.map((row) => [...row])])}`,
    )
    said.push(await runImport([kind, name], { directory, gatewayUrl, secret }))
  }
  return said
}

function runImport(given: readonly string[], way: ImportWay): Promise<string> {
  const script = join(projectDirectory(), 'dist', 'scripts', 'import.js')
  const child = spawn(process.execPath, [script, ...given], {
    cwd: way.directory,
    env: {
      ...process.env,
      GATEWAY_URL: way.gatewayUrl,
      IMPORT_SOURCE: figuresSource,
      IMPORT_SECRET: way.secret,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) {
        resolve(output.trim())
        return
      }
      const command = `npm run import -- ${given.join(' ')}`
      reject(new Error(`${command} ended with ${String(code)}: ${output}`))
    })
  })
}
