// All topics' partition p goes to one member, so that state, inputs and changelog meet; a member that says it
// has p's state at hand keeps p as long as the load stays even.
import { AssignerProtocol, type Assigner, type Cluster, type GroupMember } from 'kafkajs'

export function coPartitionAssigner(
  preferredPartitions: () => readonly number[],
): (config: { cluster: Cluster }) => Assigner {
  return ({ cluster }) => ({
    name: 'tributary-co-partition',
    version: 1,
    protocol: ({ topics }) => ({
      name: 'tributary-co-partition',
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: 1,
        topics,
        userData: Buffer.from(JSON.stringify(preferredPartitions())),
      }),
    }),
    assign: ({ members, topics }) => {
      const counts = new Map(
        topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]),
      )
      const owners = assignPartitions(
        members.map(({ memberId, memberMetadata }) => ({
          memberId,
          prefers: prefersOf(memberMetadata),
        })),
        Math.max(0, ...counts.values()),
      )
      return Promise.resolve(
        members.map(({ memberId }) => ({
          memberId,
          memberAssignment: encodeAssignment(counts, owners, memberId),
        })),
      )
    },
  })
}

interface Candidate {
  readonly memberId: string
  /** Partitions whose state the member has at hand. */
  readonly prefers: readonly number[]
}

/** The member of each partition 0..count-1: even load first, then preference, then member id. */
function assignPartitions(candidates: readonly Candidate[], count: number): Map<number, string> {
  const members = [...candidates].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const capacity = Math.ceil(count / Math.max(1, members.length))
  const load = new Map(members.map(({ memberId }) => [memberId, 0]))
  const owners = new Map<number, string>()
  const give = (partition: number, memberId: string): void => {
    owners.set(partition, memberId)
    load.set(memberId, (load.get(memberId) ?? 0) + 1)
  }
  for (let partition = 0; partition < count; partition += 1) {
    const warm = members.find(
      ({ memberId, prefers }) =>
        prefers.includes(partition) && (load.get(memberId) ?? 0) < capacity,
    )
    if (warm !== undefined) give(partition, warm.memberId)
  }
  for (let partition = 0; partition < count; partition += 1) {
    if (owners.has(partition)) continue
    const [least] = [...load].sort(([, a], [, b]) => a - b)
    if (least !== undefined) give(partition, least[0])
  }
  return owners
}

function prefersOf(memberMetadata: GroupMember['memberMetadata']): number[] {
  const userData = AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData
  if (userData === undefined || userData.length === 0) return []
  return JSON.parse(userData.toString()) as number[]
}

function encodeAssignment(
  counts: ReadonlyMap<string, number>,
  owners: ReadonlyMap<number, string>,
  memberId: string,
): Buffer {
  const mine = [...owners].filter(([, owner]) => owner === memberId).map(([partition]) => partition)
  const assignment = Object.fromEntries(
    [...counts].map(([topic, count]) => [topic, mine.filter((partition) => partition < count)]),
  )
  return AssignerProtocol.MemberAssignment.encode({
    version: 1,
    assignment,
    userData: Buffer.alloc(0),
  })
}
