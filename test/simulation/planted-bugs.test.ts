// A simulation is worth what it catches. Each of these faults stands between the real parts, or in the text of the
// real rules, and one of the seeds of every run shows it. The seed named is the first found to; the search begins there.
import type { topology } from '../../services/core/topology'
import { topics } from '../../services/core/topics'
import type { OutgoingRecord } from '../../services/runtime/kafka'
import type { createPartitionRunners } from '../../services/stream-processor/partition-runners'
import type { StageLog } from '../../services/stream-processor/ports'
import type { StageWiring } from '../../services/stream-processor/stage-wiring'
import { loadPatched, type Patch } from './load-patched'
import { differences } from './differences'
import { play, type PlantedBug } from './play'
import { findCatchingSeed, seedsOfARun } from './play-seeds'

jest.setTimeout(600_000)

/** How many seeds a bug may escape. */
const within = 300

/** The batch in two transactions instead of one: first what `isFirst` says, then the rest. */
function inTwo(
  isFirst: (record: OutgoingRecord, wiring: StageWiring) => boolean,
): NonNullable<PlantedBug['wrapLog']> {
  return (log, wiring): StageLog => ({
    open: () => log.open(),
    close: () => log.close(),
    commit: async (records) => {
      const first = records.filter((record) => isFirst(record, wiring))
      const rest = records.filter((record) => !isFirst(record, wiring))
      const nexts = [
        first.length > 0 ? await log.commit(first) : null,
        rest.length > 0 ? await log.commit(rest) : null,
      ]
      return nexts.find((next) => next !== null) ?? null
    },
  })
}

const isState = ({ topic }: OutgoingRecord, { changelog }: StageWiring): boolean =>
  topic === changelog

function inRules(...patches: readonly Patch[]): PlantedBug {
  return loadPatched('core/topology.ts', patches) as { readonly topology: typeof topology }
}

function inRunner(...patches: readonly Patch[]): PlantedBug {
  return loadPatched('stream-processor/partition-runners.ts', patches) as {
    readonly createPartitionRunners: typeof createPartitionRunners
  }
}

let unique = 0

const bugs: readonly (readonly [bug: string, seed: number, plant: () => PlantedBug])[] = [
  ['positions are written before the outputs', 2, () => ({ wrapLog: inTwo(isState) })],
  [
    'outputs are written before the positions',
    2,
    () => ({ wrapLog: inTwo((record, wiring) => !isState(record, wiring)) }),
  ],
  [
    'facts are forgotten before they are sent',
    13,
    () => ({ wrapLog: inTwo(({ topic }) => topic !== topics.journeyFacts.name) }),
  ],
  [
    'an older owner is not fenced',
    111,
    () => ({
      transactionalId: (id) => {
        unique += 1
        return `${id}-${unique}`
      },
    }),
  ],
  [
    'a batch that begins beyond what is expected is taken as it is',
    25,
    () =>
      inRunner({
        file: 'stream-processor/partition-feed.ts',
        text: 'if (batch.fetchedOffset > expected) {',
        instead: 'if (batch.fetchedOffset > Infinity) {',
      }),
  ],
  [
    'after a failed commit it goes on as if nothing had happened',
    4,
    () =>
      inRunner({
        file: 'stream-processor/partition-task.ts',
        text: '    const next = await log.commit([...this.#changelog(state, mark), ...outputs])\n',
        instead:
          '    const next = await log.commit([...this.#changelog(state, mark), ...outputs])' +
          '.catch(() => store.changelogNext() + 1)\n',
      }),
  ],
  [
    'a task that begins anew goes on with what was fetched for the one before',
    4,
    () =>
      inRunner({
        file: 'stream-processor/partition-tenure.ts',
        text: 'this.#feed = new PartitionFeed(options)',
        instead: 'this.#feed = options.purges.feed ??= new PartitionFeed(options)',
      }),
  ],
  [
    'what was asked again for one task counts as asked for the next',
    25,
    () =>
      inRunner({
        file: 'stream-processor/partition-feed.ts',
        text: '    this.#queue = createRecordQueue(options.wiring.inputs, options.wiring.loop)\n',
        instead:
          '    this.#queue = createRecordQueue(options.wiring.inputs, options.wiring.loop)\n' +
          '    const forgetful = { delete: () => true, clear: () => undefined }\n' +
          '    this.#askedAgain = options.purges.asked ??= Object.assign(new Map(), forgetful)\n',
      }),
  ],
  [
    'loop records are deleted up to where they were fetched, not to where they are applied',
    40,
    () =>
      inRunner(
        {
          file: 'stream-processor/partition-tenure.ts',
          text: 'return this.#feed.isRunning() ? this.#options.store.mark().positions : {}',
          instead: 'return this.#feed.isRunning() ? this.#feed.fetched() : {}',
        },
        {
          file: 'stream-processor/partition-feed.ts',
          text: '  isRunning(): boolean {\n',
          instead:
            '  fetched() {\n    return Object.fromEntries(this.#nextFetch)\n  }\n\n  isRunning(): boolean {\n',
        },
      ),
  ],
  [
    'touches leave without what their orders came to being kept',
    36,
    () =>
      inRules({
        file: 'core/identity/tend.ts',
        text: '  freezeOrders(turn, before, settling)\n',
        instead: '',
      }),
  ],
  [
    'touches leave a month before no order can need them any more',
    10,
    () =>
      inRules({
        file: 'core/identity/tend.ts',
        text: 'turn.acceptedUpTo - touchKeptMs(longestOf(attribution))',
        instead: 'turn.acceptedUpTo - 0.2 * touchKeptMs(longestOf(attribution))',
      }),
  ],
  [
    'orders are not looked at under new settings',
    8,
    () =>
      inRunner({
        file: 'stream-processor/partition-task.ts',
        text: 'settingsChanged: isUnsettled(this.#mark)',
        instead: 'settingsChanged: false',
      }),
  ],
  [
    'an older process credits orders under its own settings',
    2,
    () =>
      inRunner({
        file: 'stream-processor/partition-task.ts',
        text: 'this.#stage = rules.stageUnder(this.#mark.settings)',
        instead: 'this.#stage = rules.stageUnder(rules.text)',
      }),
  ],
  [
    'a node that becomes a hub does not tell its root',
    13,
    () =>
      inRules({
        file: 'core/identity/gather.ts',
        text: '    toRoot(turn, { hub: turn.node })\n',
        instead: '',
      }),
  ],
  [
    'a hub does not answer that it is one',
    13,
    () =>
      inRules({
        file: 'core/identity/gather.ts',
        text: 'if (head.hub) turn.send(factTo(home, { hub: turn.node }))\n  else link(',
        instead: 'if (!head.hub) link(',
      }),
  ],
  [
    'a touch does not bring along which hubs declined it',
    273,
    () =>
      inRules({
        file: 'core/identity/gather.ts',
        text: '  for (const hub of declined) toRoot(turn, { hub })\n',
        instead: '',
      }),
  ],
  [
    'touches count by their arrival instead of their time',
    5,
    () =>
      inRules({
        file: 'core/attribution/journey.ts',
        text: '    first_at: touch.at,\n    last_at: touch.at,\n',
        instead: '    first_at: touch.accepted_at,\n    last_at: touch.accepted_at,\n',
      }),
  ],
  [
    'the snapshot that was accepted last counts as the newest',
    3,
    () =>
      inRules({
        file: 'core/identity/newest-snapshot.ts',
        text: 'a.updated_at - b.updated_at ||',
        instead: 'a.accepted_at - b.accepted_at ||',
      }),
  ],
  [
    'the snapshot that came last counts as the newest',
    1,
    () =>
      inRules({
        file: 'core/identity/newest-snapshot.ts',
        text: 'return order >= 0 ? a : b',
        instead: 'return order >= 0 ? b : b',
      }),
  ],
  [
    'an order that moves leaves its version behind',
    1,
    () =>
      inRules({
        file: 'core/identity/journey-state.ts',
        text: 'facts.push({ touch, evidence, hub, order, member })',
        instead:
          'facts.push({ touch, evidence, hub, member, ' +
          "order: order && { ...order, version: 0, digest: '', credits: [], emitted: null } })",
      }),
  ],
  [
    'what is less than the gap apart is measured from the first touch',
    31,
    () =>
      inRules({
        file: 'core/attribution/journey.ts',
        text: 'touch.first_at - open.last_at >= gapMs',
        instead: 'touch.first_at - open.first_at >= gapMs',
      }),
  ],
  [
    'a task waits for its owner record although compaction took it',
    699,
    () =>
      inRunner({
        file: 'stream-processor/partition-task.ts',
        text: 'done ||= record.offset >= this.#ownerOffset',
        instead: 'done ||= record.offset === this.#ownerOffset',
      }),
  ],
  [
    'a trained model that comes after its orders credits none of them',
    26,
    () =>
      inRules({
        file: 'core/identity/tend.ts',
        text: '  callForTrained(turn, settling)\n',
        instead: '',
      }),
  ],
  [
    'the trained model that came last credits orders, whatever it is valid from',
    8,
    () =>
      inRules({
        file: 'core/attribution/trained-models.ts',
        text: 'a.valid_from - b.valid_from || compareTexts(a.version, b.version)',
        instead: '0',
      }),
  ],
  [
    'of two trained models of one moment the one that came last credits orders',
    8,
    () =>
      inRules({
        file: 'core/attribution/trained-models.ts',
        text: ' || compareTexts(a.version, b.version)',
        instead: '',
      }),
  ],
  [
    'an order is credited by the newest trained model instead of the one of its time',
    7,
    () =>
      inRules({
        file: 'core/attribution/order-content.ts',
        text: 'trainedAt(turn, model, applied.at)',
        instead: 'trainedAt(turn, model, Infinity)',
      }),
  ],
  [
    'a trained model is kept in the partition of its name only',
    5,
    () =>
      inRunner({
        file: 'stream-processor/stage-batch.ts',
        text: '    if (node === this.stage.common) return true\n',
        instead: '',
      }),
  ],
  [
    'what an order is frozen with leaves out by which trained models',
    36,
    () =>
      inRules({
        file: 'core/attribution/settle-orders.ts',
        text: 'return { converted_at, settings, journey, not_shown, credits, trained }',
        instead: 'return { converted_at, settings, journey, not_shown, credits, trained: {} }',
      }),
  ],
  [
    'trained models are let go of while orders of their time are kept',
    20,
    () =>
      inRules({
        file: 'core/attribution/trained-models.ts',
        text: 'turn.acceptedUpTo - orderKeptMs',
        instead: 'turn.acceptedUpTo',
      }),
  ],
]

test.each(bugs)('it is caught when %s', async (_, seed, plant) => {
  const bug = plant()
  const caught = await findCatchingSeed(bug, { seed, within })
  expect(caught).not.toBeNull()
  expect(caught?.seed).toBeLessThanOrEqual(seedsOfARun)
  // Without the bug the same history ends well.
  expect(differences(await play(caught?.seed ?? seed))).toEqual([])
})
