// Tells the stream processor, which alone knows what else belongs to the person. Everything is told over the topic its
// nodes talk on; whatever follows from it is waited for, because what comes next rests on it.
import { factTo } from '../../services/core/identity/journey-state'
import { partitionKeyOf } from '../../services/core/identity/node'
import { partitionOf } from '../../services/core/partition'
import type { Fact, Forget } from '../../services/core/records'
import { topics } from '../../services/core/topics'
import { endsOf, untilHeard, type Listeners } from './heard'
import type { Parts } from './parts'

/** A node that may hold a mention of somebody. */
export interface Mention {
  readonly node: string
  readonly identifier: string
}

/** More rounds than a message and all that follows from it takes, however much else is being said. */
const roundsMax = 8

/** Everything that was accepted so far has reached the nodes. */
export async function untilInputsHeard(parts: Parts): Promise<void> {
  const { touchpoints, orders, journeyFacts } = topics
  await untilHeard(parts, journeyListeners(parts, [touchpoints, orders, journeyFacts]))
}

/** @param told what to tell the node of its identifier */
export async function tellPerson(parts: Parts, told: Forget): Promise<void> {
  await say(parts, [factTo(told.identifier, { forget: told })])
}

/** Others hold the person's identifiers where they were seen together. */
export async function tellOthers(parts: Parts, mentions: readonly Mention[]): Promise<void> {
  await say(
    parts,
    mentions.map(({ node, identifier }) =>
      factTo(node, { forget: { identifier, set: '', mentioned: true, finally: false } }),
    ),
  )
}

async function say(parts: Parts, facts: readonly Fact[]): Promise<void> {
  const { prefix, partitions, kafka, registry } = parts
  if (facts.length === 0) return
  const codec = await registry.topicCodec(topics.journeyFacts)
  const producer = await kafka.connectProducer()
  try {
    await producer.send(
      facts.map((fact) => {
        const key = partitionKeyOf(fact.to)
        return {
          topic: prefix + topics.journeyFacts.name,
          partition: partitionOf(key, partitions),
          key,
          value: codec.encode(fact),
        }
      }),
    )
  } finally {
    await producer.close()
  }
  await untilQuiet(parts)
}

/** What hearing a message says in turn is in the topic before the message counts as heard. */
async function untilQuiet(parts: Parts): Promise<void> {
  const listeners = journeyListeners(parts, [topics.journeyFacts])
  for (let round = 0; round < roundsMax; round += 1) {
    const heard = await untilHeard(parts, listeners)
    const ends = await endsOf(parts, listeners.topics)
    if ([...ends].every(([place, end]) => heard.get(place) === end)) return
  }
}

function journeyListeners({ prefix }: Parts, all: readonly { readonly name: string }[]): Listeners {
  return {
    groupId: `${prefix}journey`,
    service: 'stream-processor',
    topics: all.map(({ name }) => prefix + name),
  }
}
