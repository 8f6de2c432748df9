// What is produced, written in one go. kafkajs makes several buffers and big integers for every record, which was a
// seventh of the stream processor's time; here a request is one buffer. The bytes are the same, which a test compares.
import Encoder from 'kafkajs/src/protocol/encoder'
import produce from 'kafkajs/src/protocol/requests/produce'
import type {
  ProduceArguments,
  ProducedMessage,
  ProducedPartition,
} from 'kafkajs/src/protocol/requests/produce'
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C'

/** The first version of the request whose records are those of today. */
const firstVersion = 3
const uncompressed = 0
const transactional = 16
const magic = 2
/** From the base offset to the number of records. */
const batchHeadBytes = 61
/** Before the length, and before what the checksum is of. */
const afterLength = 12
const checkedFrom = 21

let installed = false

/** Mends every producer of this process; calling it again changes nothing. */
export function installProduceEncoder(): void {
  if (installed) return
  installed = true
  const { protocol } = produce
  produce.protocol = ({ version }) => {
    const make = protocol({ version })
    if (version < firstVersion) return make
    return (given) => {
      const made = make(given)
      if (!isPlain(given)) return made
      const encode = (): Promise<object> => Promise.resolve(encoderOf(encodeProduce(given)))
      return { ...made, request: { ...made.request, encode } }
    }
  }
}

/** Neither packed nor with times of its own: nothing of ours is otherwise. */
function isPlain({ compression = uncompressed, topicData }: ProduceArguments): boolean {
  const isDated = ({ timestamp }: ProducedMessage): boolean => timestamp !== undefined
  return (
    compression === uncompressed &&
    !topicData.some(({ partitions }) => partitions.some(({ messages }) => messages.some(isDated)))
  )
}

function encoderOf(buffer: Buffer): Encoder {
  const encoder = new Encoder(1)
  encoder.buf = buffer
  encoder.offset = buffer.length
  return encoder
}

/** Body of a produce request, versions 3 to 7. */
export function encodeProduce(given: ProduceArguments): Buffer {
  const { transactionalId = null, acks, timeout, topicData } = given
  const writer = new Writer(sizeBound(given))
  writer.shortText(transactionalId)
  writer.int16(acks)
  writer.int32(timeout)
  writer.int32(topicData.length)
  for (const { topic, partitions } of topicData) {
    writer.shortText(topic)
    writer.int32(partitions.length)
    for (const partition of partitions) {
      writer.int32(partition.partition)
      const sizeAt = writer.at
      writer.int32(0)
      writeBatch(writer, partition, given)
      writer.bytes.writeInt32BE(writer.at - sizeAt - 4, sizeAt)
    }
  }
  return writer.bytes.subarray(0, writer.at)
}

function writeBatch(writer: Writer, partition: ProducedPartition, given: ProduceArguments): void {
  const { messages, firstSequence = 0 } = partition
  const { transactionalId, producerId, producerEpoch = 0 } = given
  const now = BigInt(Date.now())
  const start = writer.at
  writer.int64(0n)
  writer.int32(0)
  writer.int32(0)
  writer.int8(magic)
  writer.int32(0)
  writer.int16(transactionalId ? transactional : 0)
  writer.int32(messages.length - 1)
  writer.int64(now)
  writer.int64(now)
  writer.int64(producerId === undefined ? -1n : BigInt(String(producerId)))
  writer.int16(producerEpoch)
  writer.int32(firstSequence)
  writer.int32(messages.length)
  for (const [delta, message] of messages.entries()) writeRecord(writer, delta, message)
  const { bytes, at } = writer
  bytes.writeInt32BE(at - start - afterLength, start + 8)
  bytes.writeUInt32BE(crc32C(bytes.subarray(start + checkedFrom, at)), start + 17)
}

function writeRecord(writer: Writer, offsetDelta: number, message: ProducedMessage): void {
  const { key = null, value = null, headers } = message
  const pairs = headers === undefined ? [] : pairsOf(headers)
  let size = 2 + sizeOfVarint(offsetDelta) + sizeOfBytes(key) + sizeOfBytes(value)
  size += sizeOfVarint(pairs.length)
  for (const [name, of] of pairs) size += sizeOfBytes(name) + sizeOfBytes(of)
  writer.varint(size)
  // No attributes, and no time of its own.
  writer.int16(0)
  writer.varint(offsetDelta)
  writer.sized(key)
  writer.sized(value)
  writer.varint(pairs.length)
  for (const [name, of] of pairs) {
    writer.sized(name)
    writer.sized(of)
  }
}

type Bytes = string | Buffer | null

function pairsOf(headers: NonNullable<ProducedMessage['headers']>): [string, Bytes][] {
  const pairs: [string, Bytes][] = []
  for (const name of Object.keys(headers)) {
    const value = headers[name] ?? null
    if (Array.isArray(value)) for (const one of value) pairs.push([name, one])
    else pairs.push([name, value])
  }
  return pairs
}

/** As many bytes as a request can take at most. */
function sizeBound({ transactionalId, topicData }: ProduceArguments): number {
  let bytes = 64 + 3 * (transactionalId?.length ?? 0)
  for (const { topic, partitions } of topicData) {
    bytes += 16 + 3 * topic.length
    for (const { messages } of partitions) {
      bytes += 8 + batchHeadBytes
      for (const { key, value, headers } of messages) {
        bytes += 32 + boundOf(key) + boundOf(value)
        if (headers === undefined) continue
        for (const [name, of] of pairsOf(headers)) bytes += 16 + boundOf(name) + boundOf(of)
      }
    }
  }
  return bytes
}

/** A UTF-16 unit takes three bytes at most. */
function boundOf(bytes: Bytes | undefined): number {
  if (bytes === null || bytes === undefined) return 0
  return typeof bytes === 'string' ? 3 * bytes.length : bytes.length
}

function byteLength(bytes: Bytes): number {
  if (bytes === null) return -1
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
}

function sizeOfBytes(bytes: Bytes): number {
  const length = byteLength(bytes)
  return sizeOfVarint(length) + Math.max(0, length)
}

function sizeOfVarint(value: number): number {
  let rest = zigzag(value)
  let size = 1
  for (; rest > 0x7f; rest >>>= 7) size += 1
  return size
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

/** Writes behind one another into a buffer that is large enough. */
class Writer {
  readonly bytes: Buffer
  at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size)
  }

  int8(value: number): void {
    this.at = this.bytes.writeInt8(value, this.at)
  }

  int16(value: number): void {
    this.at = this.bytes.writeInt16BE(value, this.at)
  }

  int32(value: number): void {
    this.at = this.bytes.writeInt32BE(value, this.at)
  }

  int64(value: bigint): void {
    this.at = this.bytes.writeBigInt64BE(value, this.at)
  }

  shortText(text: string | null): void {
    if (text === null) {
      this.int16(-1)
      return
    }
    this.int16(Buffer.byteLength(text))
    this.at += this.bytes.write(text, this.at)
  }

  varint(value: number): void {
    let rest = zigzag(value)
    for (; rest > 0x7f; rest >>>= 7) {
      this.bytes[this.at] = (rest & 0x7f) | 0x80
      this.at += 1
    }
    this.bytes[this.at] = rest
    this.at += 1
  }

  /** With its length before it. */
  sized(bytes: Bytes): void {
    this.varint(byteLength(bytes))
    if (bytes === null) return
    this.at +=
      typeof bytes === 'string' ? this.bytes.write(bytes, this.at) : bytes.copy(this.bytes, this.at)
  }
}
