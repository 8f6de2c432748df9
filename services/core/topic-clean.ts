// How long a topic may hold what was removed from it, by what the broker is told about it.

export interface TopicClean {
  /** Longest time in milliseconds, given that records keep coming; null where nothing removes it. */
  readonly withinMs: number | null
  readonly why: string
}

/** @param configuration of the topic, as the broker has it */
export function cleanAfter(configuration: Readonly<Record<string, string>>): TopicClean {
  const setting = (name: string): number => Number(configuration[name] ?? NaN)
  const segmentMs = setting('segment.ms')
  if ((configuration['cleanup.policy'] ?? '').includes('compact')) {
    const lagMs = setting('max.compaction.lag.ms')
    // 2^63 - 1, the broker's default, is never.
    if (!(lagMs < Number.MAX_SAFE_INTEGER)) {
      return { withinMs: null, why: 'max.compaction.lag.ms is not set: whenever it is compacted' }
    }
    // A segment closes, is compacted, and once more when the tombstone's time is over.
    const onceMs = Math.min(segmentMs, lagMs) + lagMs
    return { withinMs: 2 * onceMs + setting('delete.retention.ms'), why: 'compaction' }
  }
  const retentionMs = setting('retention.ms')
  if (retentionMs >= 0) return { withinMs: retentionMs + segmentMs, why: 'retention' }
  return { withinMs: segmentMs, why: 'the stream processor deletes what it has heard' }
}
