// The ERP as the one process of a container: prepared at the first start, then served to every address. The sink's
// password comes from TRIBUTARY_ERP_PASSWORD. Usage: serve-erp <directory> <port>
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { erpPart, prepareErp } from './erp/erp'
import { sinkUser } from './erp/set-up-sink-user'

async function main(directory: string, port: number): Promise<void> {
  const installDirectory = join(directory, 'install')
  const passwordFile = join(installDirectory, `${sinkUser}.password`)
  mkdirSync(installDirectory, { recursive: true })
  if (!existsSync(passwordFile)) {
    const password = process.env['TRIBUTARY_ERP_PASSWORD'] ?? ''
    if (password === '') throw new Error('TRIBUTARY_ERP_PASSWORD is not set')
    writeFileSync(passwordFile, password, { mode: 0o600 })
  }
  const prepared = await prepareErp({
    installDirectory,
    progress: (line) => {
      console.log(line)
    },
  })
  const part = await erpPart(prepared, { dataDirectory: join(directory, 'data'), port })
  const server = spawn(
    part.command,
    part.args.map((argument) => argument.replace('127.0.0.1', '0.0.0.0')),
    { cwd: part.cwd, env: { ...process.env, ...part.env }, stdio: 'inherit' },
  )
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      server.kill(signal)
    })
  }
  server.once('exit', (code) => {
    process.exit(code ?? 1)
  })
}

main(process.argv[2] ?? '', Number(process.argv[3])).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
