// What a receipt may promise about topics, from the very configuration an installation is given.
import { cleanAfter } from '../../services/core/topic-clean'
import { topics, type Topic } from '../../services/core/topics'
import { topicSpecifications } from '../../services/runtime/provision'

const dayMs = 86_400_000
const specifications = topicSpecifications({ prefix: '', partitions: 4 })
const configurationOf = (topic: Topic): Readonly<Record<string, string>> =>
  specifications.find(({ name }) => name === topic.name)?.configuration ?? {}

test.each([
  ['a topic kept for a time is clean a segment later', topics.touchpoints, 15 * dayMs],
  ['a compacted one within eleven days', topics.journeyChangelog, 11 * dayMs],
  ['messages between nodes within an hour', topics.journeyFacts, 3_600_000],
])('%s', (_name, topic, withinMs) => {
  expect(cleanAfter(configurationOf(topic)).withinMs).toBe(withinMs)
})

test('nothing is promised of a compacted topic that no time makes clean', () => {
  const broker = { 'cleanup.policy': 'compact', 'max.compaction.lag.ms': '9223372036854775807' }
  expect(cleanAfter(broker).withinMs).toBe(null)
})
