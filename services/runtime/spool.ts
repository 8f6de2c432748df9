// Keeps what an edge has accepted while Kafka is away: files of frames in a directory of one process, flushed to
// disk before anybody is told, many callers with one flush. Files are deleted as a whole once Kafka has all their
// records, so a crash repeats one file at most; a repeated record has the same id and counts once.
import { mkdir, readdir, truncate, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DependencyError, SetupError } from './errors'
import { lockDirectory } from './lock-directory'
import type { Logger } from './logger'
import { frameOf, type AcceptedRecord, type SpooledRecord } from './spool-frame'
import type { SpoolMetrics } from './spool-metrics'
import {
  abandonSegment,
  createSegment,
  readSegment,
  segmentSuffix,
  syncDirectory,
  unfinishedSuffix,
  type SegmentFile,
} from './spool-segment'

export interface SpoolOptions {
  readonly directory: string
  /** Most bytes on disk, what waits to be flushed included. */
  readonly bytesMax: number
  /** A segment this large is followed by a new one. */
  readonly segmentBytes?: number
  /** Most bytes in memory: what a disk that stands still would let grow up to `bytesMax`, its clients gone long ago. */
  readonly waitingBytesMax?: number
  readonly metrics: SpoolMetrics
  readonly logger: Logger
  readonly now: () => number
}

/** A segment that is no longer written to. */
export interface SealedSegment {
  readonly records: readonly SpooledRecord[]
  /** To be called once Kafka has every record. */
  readonly remove: () => Promise<void>
}

interface Segment {
  readonly path: string
  bytes: number
  records: number
  /** When its first record was spooled; epoch milliseconds. */
  oldestAt: number
}

interface Waiting {
  readonly frames: Buffer
  readonly records: number
  readonly spooledAt: number
  readonly resolve: () => void
  readonly reject: (error: DependencyError) => void
}

const defaultSegmentBytes = 8_388_608
const defaultWaitingBytesMax = 67_108_864
/** After a failed write nothing is tried for so long, or a full disk would be met with a new file per request. */
const restMs = 1_000

/** @throws SetupError when the directory cannot be used or another process has it */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const release = await lockDirectory(options.directory, 'SPOOL_DIRECTORY')
  try {
    await mkdir(options.directory, { recursive: true })
    await syncDirectory(dirname(options.directory))
    const spool = new Spool(options, release)
    await spool.recover()
    return spool
  } catch (cause) {
    release()
    throw new SetupError(`cannot use the spool in ${options.directory}: ${String(cause)}`, {
      cause,
    })
  }
}

export class Spool {
  readonly #options: SpoolOptions
  readonly #release: () => void
  /** Oldest first; the last one may be the one being written. */
  readonly #segments: Segment[] = []
  #current: (SegmentFile & { readonly segment: Segment }) | null = null
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #writing: Promise<void> | null = null
  /** The write and flush under way. */
  #group: Promise<unknown> = Promise.resolve()
  #sealWanted = false
  #failure: { readonly error: DependencyError; readonly until: number } | null = null
  #lastName = 0

  constructor(options: SpoolOptions, release: () => void) {
    this.#options = options
    this.#release = release
    options.metrics.bytesMax.set(options.bytesMax)
  }

  /** Finds what an earlier process left, and drops what a crash cut off. */
  async recover(): Promise<void> {
    const { directory, metrics, logger } = this.#options
    const found = await readdir(directory)
    for (const name of found.filter((one) => one.endsWith(unfinishedSuffix))) {
      await unlink(join(directory, name))
    }
    for (const name of found.filter((one) => one.endsWith(segmentSuffix)).sort()) {
      const path = join(directory, name)
      const { records, bytes, isTorn } = await readSegment(path)
      if (isTorn) {
        metrics.torn.inc()
        logger.warn({ path }, 'dropped a record that a crash cut off')
        await truncate(path, bytes)
      }
      this.#lastName = Number(name.slice(0, -segmentSuffix.length))
      if (bytes === 0) await unlink(path)
      else {
        const oldestAt = records[0]?.spooledAt ?? 0
        this.#segments.push({ path, bytes, records: records.length, oldestAt })
      }
    }
    if (this.records() > 0) logger.info({ records: this.records() }, 'found a filled spool')
    this.#report()
  }

  records(): number {
    return this.#segments.reduce((sum, { records }) => sum + records, 0)
  }

  /** When the oldest record in here was spooled, epoch milliseconds; null when there is none. */
  oldestAt(): number | null {
    return this.#segments[0]?.oldestAt ?? null
  }

  bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, this.#waitingBytes)
  }

  /**
   * Resolves once these records are on disk, whatever becomes of process or machine.
   * @throws DependencyError when there is no room or the disk fails; nothing is promised then
   */
  append(records: readonly AcceptedRecord[]): Promise<void> {
    const { bytesMax, now } = this.#options
    const spooledAt = now()
    const frames = Buffer.concat(records.map((record) => frameOf({ ...record, spooledAt })))
    if (this.bytes() + frames.length > bytesMax) {
      const error = `full: ${this.bytes()} of ${bytesMax} bytes, no room for ${frames.length}`
      return Promise.reject(new DependencyError('spool', error))
    }
    // One alone is taken whatever its size.
    const waitingMax = this.#options.waitingBytesMax ?? defaultWaitingBytesMax
    if (this.#waitingBytes > 0 && this.#waitingBytes + frames.length > waitingMax) {
      const error = `the disk does not keep up: ${this.#waitingBytes} bytes wait for it`
      return Promise.reject(new DependencyError('spool', error))
    }
    if (this.#failure !== null && this.#failure.until > performance.now()) {
      return Promise.reject(this.#failure.error)
    }
    return new Promise((resolve, reject) => {
      this.#waitingBytes += frames.length
      this.#waiting.push({ frames, records: records.length, spooledAt, resolve, reject })
      this.#write()
    })
  }

  /** The oldest segment, closed to further writing; null when the spool is empty.
   * @throws DependencyError when it cannot be read */
  async oldest(): Promise<SealedSegment | null> {
    for (;;) {
      const segment = this.#segments[0]
      if (segment === undefined) return null
      if (this.#current?.segment === segment) {
        await this.#seal()
        // Its first write may have failed: then it is gone.
        continue
      }
      const records = await this.#read(segment)
      if (records !== null) return { records, remove: () => this.#remove(segment) }
    }
  }

  async close(): Promise<void> {
    while (this.#writing !== null) await this.#writing
    await this.#seal()
    this.#release()
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null
      if (this.#waiting.length > 0) this.#write()
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      const frames = Buffer.concat(group.map((one) => one.frames))
      const written = this.#writeGroup(frames, group)
      this.#group = written
      const failure = await written
      this.#waitingBytes -= frames.length
      for (const { resolve, reject } of group) {
        if (failure === null) resolve()
        else reject(failure)
      }
      this.#report()
    }
  }

  /** One write and one flush for the whole group. */
  async #writeGroup(frames: Buffer, group: readonly Waiting[]): Promise<DependencyError | null> {
    try {
      const { handle, segment } = this.#current ?? (await this.#begin(group[0]?.spooledAt ?? 0))
      await handle.appendFile(frames)
      const flushedFrom = performance.now()
      await handle.datasync()
      this.#options.metrics.fsyncSeconds.observe((performance.now() - flushedFrom) / 1000)
      // On disk, but nobody will find it there.
      if ((await handle.stat()).nlink === 0) throw new Error(`${segment.path} was deleted`)
      segment.bytes += frames.length
      segment.records += group.reduce((sum, { records }) => sum + records, 0)
      this.#failure = null
      const isFull = segment.bytes >= (this.#options.segmentBytes ?? defaultSegmentBytes)
      if (isFull || this.#sealWanted) await this.#closeCurrent()
      return null
    } catch (cause) {
      const error = new DependencyError('spool', cause)
      this.#failure = { error, until: performance.now() + restMs }
      await this.#abandonCurrent()
      return error
    }
  }

  async #begin(oldestAt: number): Promise<SegmentFile & { readonly segment: Segment }> {
    const { directory, now } = this.#options
    // By time, so that no name comes twice, and upwards even when the clock goes back.
    this.#lastName = Math.max(now(), this.#lastName + 1)
    const name = String(this.#lastName).padStart(15, '0') + segmentSuffix
    const file = await createSegment(join(directory, name))
    const segment = { path: file.path, bytes: 0, records: 0, oldestAt }
    this.#segments.push(segment)
    this.#current = { ...file, segment }
    return this.#current
  }

  /** Ends the segment being written, after the write under way; what comes later goes to a new one. */
  async #seal(): Promise<void> {
    const sealing = this.#current
    this.#sealWanted = sealing !== null
    while (this.#writing !== null && this.#current === sealing && sealing !== null) {
      await this.#group
    }
    if (this.#current === sealing) await this.#closeCurrent()
  }

  async #closeCurrent(): Promise<void> {
    const closing = this.#current
    this.#current = null
    this.#sealWanted = false
    await closing?.handle.close()
  }

  async #abandonCurrent(): Promise<void> {
    const abandoned = this.#current
    this.#current = null
    if (abandoned === null) return
    const { segment } = abandoned
    if (segment.bytes === 0) this.#segments.splice(this.#segments.indexOf(segment), 1)
    try {
      await abandonSegment(abandoned, segment.bytes)
    } catch (err) {
      // What it still holds beyond the acknowledged bytes is found torn or damaged when it is read.
      this.#options.logger.error({ err, path: segment.path }, 'cannot trim the spool')
    }
  }

  /** Null when somebody else has taken the file away: then it is dropped, or everything after it would wait for it. */
  async #read(segment: Segment): Promise<readonly SpooledRecord[] | null> {
    const { metrics, logger } = this.#options
    try {
      const { records, isTorn, quarantined } = await readSegment(segment.path)
      if (isTorn) metrics.torn.inc()
      for (const path of quarantined) {
        metrics.damaged.inc()
        logger.error({ path }, 'the spool is damaged: what cannot be read was put aside')
      }
      return records
    } catch (cause) {
      if (!isMissing(cause)) throw new DependencyError('spool', cause)
      this.#drop(segment)
      metrics.damaged.inc()
      const { path, records } = segment
      logger.error({ path }, `a file of the spool is gone, and ${records} records with it`)
      return null
    }
  }

  async #remove(segment: Segment): Promise<void> {
    try {
      await unlink(segment.path)
    } catch (cause) {
      if (!isMissing(cause)) throw new DependencyError('spool', cause)
      const { path } = segment
      this.#options.logger.error(
        { path },
        'somebody else deleted a file of the spool; Kafka has its records',
      )
    }
    this.#drop(segment)
  }

  #drop(segment: Segment): void {
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    this.#report()
  }

  #report(): void {
    const { metrics } = this.#options
    metrics.bytes.set(this.bytes())
    metrics.records.set(this.records())
    metrics.oldest.set((this.#segments[0]?.oldestAt ?? 0) / 1000)
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
