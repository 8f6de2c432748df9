// Figures from CSV files: `npm run import -- <kind> <file.csv>…`. Exit 0: all rows taken; 2: done, and some were refused;
// 1: not done or not to the end, run it again: what comes twice counts once.
import { DependencyError, SetupError } from '../services/runtime/errors'
import { readArguments } from './import/arguments'
import { countsOf, importFile } from './import/import-file'
import { readTarget } from './import/import-settings'
import { openProgress } from './import/progress'
import { createSendFigures } from './import/send-figures'

async function main(): Promise<number> {
  const { files, dryRun, ...asked } = readArguments(process.argv.slice(2))
  const progress = openProgress(process.stderr, Date.now)
  const waiting = (why: string): void => {
    progress.show(`${why}; trying again`)
  }
  const send = dryRun ? null : createSendFigures({ ...readTarget(process.env), waiting })
  let refused = 0
  for (const file of files) {
    const imported = await importFile(file, { ...asked, send, progress, now: Date.now })
    const where = imported.refusedFile === null ? '' : `, see ${imported.refusedFile}`
    console.log(`${countsOf(file, imported)}${where}${dryRun ? '; nothing was sent' : ''}`)
    refused += imported.refused
  }
  return refused > 0 ? 2 : 0
}

main().then(
  (exitCode) => {
    process.exitCode = exitCode
  },
  (error: unknown) => {
    const known = error instanceof SetupError || error instanceof DependencyError
    console.error(known ? error.message : error)
    process.exitCode = 1
  },
)
