// The bytes of a spool: frames that tell where they end and whether they are whole, so that what a crash cut off
// and what a disk damaged are told apart from what was acknowledged, and cost nothing but themselves.
import { crc32 } from 'node:zlib'

/** A record an edge has accepted, on its way into Kafka. */
export interface AcceptedRecord {
  readonly key: string
  /** Avro in wire format; the registry's id of the schema is filled in when it is sent. */
  readonly value: Buffer
  /** Names the schema the value was written with. */
  readonly schema: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface SpooledRecord extends AcceptedRecord {
  /** Epoch milliseconds. */
  readonly spooledAt: number
}

/** Where bytes lie in a file; `end` is the first one after them. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface ReadFrames {
  readonly records: SpooledRecord[]
  /** Bytes that are no frame although frames follow, or that a crash alone cannot have made. */
  readonly damaged: Span[]
  /** A last frame that a crash cut off; it was never acknowledged. */
  readonly torn: Span | null
}

const magic = Buffer.from('TSP1')
/** Magic, length of the payload, its checksum, checksum of these three. */
const headBytes = 16

/** One record as bytes. */
export function frameOf({ value, ...rest }: SpooledRecord): Buffer {
  const meta = Buffer.from(JSON.stringify(rest))
  const metaLength = Buffer.alloc(4)
  metaLength.writeUInt32LE(meta.length)
  const payload = Buffer.concat([metaLength, meta, value])
  const head = Buffer.alloc(headBytes)
  magic.copy(head)
  head.writeUInt32LE(payload.length, 4)
  head.writeUInt32LE(crc32(payload), 8)
  head.writeUInt32LE(crc32(head.subarray(0, 12)), 12)
  return Buffer.concat([head, payload])
}

/** Reads what is whole and says where the rest lies. */
export function readFrames(bytes: Buffer): ReadFrames {
  const records: SpooledRecord[] = []
  const damaged: Span[] = []
  let start = 0
  while (start < bytes.length) {
    const end = endOfFrame(bytes, start)
    if (end !== null && isWhole(bytes, { start, end })) {
      records.push(recordOf(bytes.subarray(start + headBytes, end)))
      start = end
      continue
    }
    const next = findFrame(bytes, start + 1)
    if (next === null) {
      const rest = { start, end: bytes.length }
      if (isTorn(bytes, rest)) return { records, damaged, torn: rest }
      damaged.push(rest)
      break
    }
    damaged.push({ start, end: next })
    start = next
  }
  return { records, damaged, torn: null }
}

function recordOf(payload: Buffer): SpooledRecord {
  const valueStart = 4 + payload.readUInt32LE(0)
  const meta = JSON.parse(payload.toString('utf8', 4, valueStart)) as Omit<SpooledRecord, 'value'>
  return { ...meta, value: payload.subarray(valueStart) }
}

/** Where the frame that begins here says it ends; null when no head is here. */
function endOfFrame(bytes: Buffer, start: number): number | null {
  if (start + headBytes > bytes.length) return null
  const head = bytes.subarray(start, start + headBytes)
  if (!head.subarray(0, 4).equals(magic)) return null
  if (head.readUInt32LE(12) !== crc32(head.subarray(0, 12))) return null
  return start + headBytes + head.readUInt32LE(4)
}

function isWhole(bytes: Buffer, { start, end }: Span): boolean {
  if (end > bytes.length) return false
  return crc32(bytes.subarray(start + headBytes, end)) === bytes.readUInt32LE(start + 8)
}

function findFrame(bytes: Buffer, from: number): number | null {
  for (
    let start = bytes.indexOf(magic, from);
    start >= 0;
    start = bytes.indexOf(magic, start + 1)
  ) {
    const end = endOfFrame(bytes, start)
    if (end !== null && isWhole(bytes, { start, end })) return start
  }
  return null
}

/** A write that a crash cut off leaves less than a head, a head that says more than there is, or, where only the
 * file's length reached the disk, zeros. */
function isTorn(bytes: Buffer, { start, end }: Span): boolean {
  if (end - start < headBytes) return true
  const said = endOfFrame(bytes, start)
  if (said !== null) return said > end
  return bytes.subarray(start, end).every((byte) => byte === 0)
}
