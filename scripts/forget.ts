// Deletion on request: `npm run forget`, which asks for the person. Exit 0: done; 2: done, and the person has come back
// meanwhile; 1: not done or not to the end, run it again: it keeps nothing in mind and begins anew.
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { DependencyError, SetupError } from '../services/runtime/errors'
import { deadLettersTopic, topics } from '../services/core/topics'
import { addressed } from './addressed'
import { readArguments, type Arguments } from './forget/arguments'
import { cleanWarehouse, findRows } from './forget/clean-warehouse'
import { dropLetters, findLetters } from './forget/drop-letters'
import { openGoneList, type GoneList } from './forget/gone-list'
import { untilHeard } from './forget/heard'
import { checkHashed, hashIdentifier } from './forget/identify'
import { connectParts, readHashSettings, type Parts } from './forget/parts'
import { purgeSpools } from './forget/purge-spools'
import { countKinds, leavingTopics, leftBehind, printReceipt, type Receipt } from './forget/receipt'
import { tellOthers, tellPerson, untilInputsHeard } from './forget/tell-processor'

const clean = { clickhouse: [], dead_letters_dropped: 0, spools: [] }

async function main(): Promise<number> {
  const asked = readArguments(process.argv.slice(2))
  const environment = addressed()
  const identifier = await identify(asked, environment)
  const parts = await connectParts(environment)
  try {
    const list = await openGoneList(parts, identifier)
    try {
      const receipt = asked.dryRun
        ? await foresee(parts, list)
        : await forget(parts, list, { identifier, asked })
      printReceipt(receipt)
      if (asked.receipt !== null) {
        writeFileSync(asked.receipt, `${JSON.stringify(receipt, null, 2)}\n`, { mode: 0o600 })
      }
      return receipt.came_back.length > 0 ? 2 : 0
    } finally {
      await list.close()
    }
  } finally {
    await parts.close()
  }
}

async function identify({ hashed }: Arguments, environment: NodeJS.ProcessEnv): Promise<string> {
  if (hashed !== null) return checkHashed(hashed)
  const settings = readHashSettings(environment)
  return hashIdentifier(await ask('who, as kind:value? '), settings)
}

async function foresee(parts: Parts, list: GoneList): Promise<Receipt> {
  const began = new Date()
  const identifiers = await list.identifiers()
  const letters = await findLetters(parts, identifiers)
  return {
    ...begun(began, { identifiers, dryRun: true }),
    removed: {
      ...clean,
      clickhouse: await findRows(parts.warehouse, list),
      dead_letters_dropped: letters.length,
      stream_processor: 'everything the person left, and every mention',
    },
    leaves: await leavingTopics(parts, Date.now()),
    left: leftBehind(await list.orders()),
    came_back: [],
  }
}

interface Request {
  readonly identifier: string
  readonly asked: Arguments
}

async function forget(
  parts: Parts,
  list: GoneList,
  { identifier, asked }: Request,
): Promise<Receipt> {
  const began = new Date()
  await confirm(asked, await list.identifiers())
  say('waiting until everything accepted so far has been processed')
  await untilInputsHeard(parts)
  await untilWritten(parts)
  await list.refresh()
  await dropLetters(parts, await findLetters(parts, await list.identifiers()))
  await tellProcessor(parts, list, identifier)
  await untilWritten(parts)
  await list.refresh()
  say('cleaning the tables of ClickHouse')
  const identifiers = await list.identifiers()
  const letters = await findLetters(parts, identifiers)
  await dropLetters(parts, letters)
  const orderKeys = await list.orders()
  const clickhouse = await cleanWarehouse(parts.warehouse, list)
  const spools = await purgeSpools(asked.spools, identifiers)
  return {
    ...begun(began, { identifiers, dryRun: false }),
    removed: {
      ...{ clickhouse, spools, dead_letters_dropped: letters.length },
      stream_processor: 'everything the person left, and every mention; heard by every partition',
    },
    leaves: await leavingTopics(parts, Date.now()),
    left: leftBehind(orderKeys),
    came_back: await findRows(parts.warehouse, list),
  }
}

/** Twice, since messages may have been under way; then the nodes themselves go. Others are told once the person is
 * gone: told of a mention alone, a root would no longer see who else belongs to the person. */
async function tellProcessor(parts: Parts, list: GoneList, identifier: string): Promise<void> {
  const set = `set:${randomUUID()}`
  for (const last of [false, false, true]) {
    say(last ? 'letting the nodes go' : 'telling the stream processor')
    await tellPerson(parts, { identifier, set, mentioned: false, finally: last })
    await list.refresh()
    await tellOthers(parts, await list.mentions())
  }
}

/** ClickHouse has what was said so far. */
async function untilWritten(parts: Parts): Promise<void> {
  const { touchpoints, orders, attributedOrders, identities, findings, erpDeliveries } = topics
  const read = [touchpoints, orders, attributedOrders, identities, findings, erpDeliveries]
  await untilHeard(parts, {
    groupId: parts.writerGroup,
    service: 'clickhouse-writer',
    topics: [...read, deadLettersTopic].map(({ name }) => parts.prefix + name),
  })
}

function begun(
  began: Date,
  { identifiers, dryRun }: { readonly identifiers: readonly string[]; readonly dryRun: boolean },
) {
  return {
    receipt: randomUUID(),
    dry_run: dryRun,
    began_at: began.toISOString(),
    ended_at: new Date().toISOString(),
    identifiers: countKinds(identifiers),
  }
}

async function confirm({ yes }: Arguments, identifiers: readonly string[]): Promise<void> {
  if (yes) return
  const kinds = Object.entries(countKinds(identifiers)).map(([kind, count]) => `${count} ${kind}`)
  const what = `forget this person (${kinds.join(', ')}) for good`
  if (!process.stdin.isTTY) {
    throw new SetupError(`${what}? Say --yes, since nobody can be asked here`)
  }
  const answer = await ask(`${what}? [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw new SetupError('nothing was done')
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    if (process.stdin.isTTY) return await terminal.question(question)
    for await (const line of terminal) return line
    throw new SetupError('nothing came in on standard input')
  } finally {
    terminal.close()
  }
}

function say(what: string): void {
  console.error(what)
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
