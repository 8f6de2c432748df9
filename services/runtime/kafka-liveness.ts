// kafkajs tells when it gives a consumer up, as long as it gets so far. Whatever keeps it from fetching without a
// word, a consumer must not stand still unnoticed.
import type { Consumer as KafkajsConsumer } from 'kafkajs'

interface LivenessOptions {
  readonly silenceMaxMs: number
  /** Whether a batch is being worked on: then nothing is fetched, and rightly so. */
  readonly busy: () => boolean
  readonly onSilence: (error: Error) => void
}

/** Tells once when nothing was fetched, joined or given up for too long. @returns what ends the watch */
export function watchLiveness(consumer: KafkajsConsumer, options: LivenessOptions): () => void {
  const { silenceMaxMs, busy, onSilence } = options
  const everyMs = Math.min(1_000, silenceMaxMs / 4)
  // Counted, not read from a clock: a machine that was asleep has not been silent.
  let silentMs = 0
  const signs = [consumer.events.FETCH_START, consumer.events.GROUP_JOIN, consumer.events.CRASH]
  for (const sign of signs) {
    consumer.on(sign, () => {
      silentMs = 0
    })
  }
  const timer = setInterval(() => {
    silentMs = busy() ? 0 : silentMs + everyMs
    if (silentMs <= silenceMaxMs) return
    clearInterval(timer)
    onSilence(new Error(`the consumer has not fetched for ${Math.round(silentMs / 1_000)} s`))
  }, everyMs)
  timer.unref()
  return () => {
    clearInterval(timer)
  }
}
