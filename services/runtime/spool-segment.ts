// One file of a spool. A file is written by one process, from its creation to its last frame, and never again:
// what a later process finds at its end is what a crash left there.
import { mkdir, open, readFile, truncate, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readFrames, type Span, type SpooledRecord } from './spool-frame'

export const segmentSuffix = '.spool'
/** Of a segment that is written anew, until it takes the place of the old one. Left behind, it is to be deleted. */
export const unfinishedSuffix = `${segmentSuffix}.new`

export interface SegmentFile {
  readonly path: string
  readonly handle: FileHandle
}

/** Creates a segment whose name survives a crash of the machine as its content will. */
export async function createSegment(path: string): Promise<SegmentFile> {
  const handle = await open(path, 'wx')
  await syncDirectory(dirname(path))
  return { path, handle }
}

/** Ends the writing after a failure. Only what was acknowledged stays; a flush that failed may have dropped
 * pages it will report as flushed the next time, so the file is never written again. */
export async function abandonSegment(
  { path, handle }: SegmentFile,
  acknowledgedBytes: number,
): Promise<void> {
  await handle.close()
  if (acknowledgedBytes === 0) await unlink(path)
  else await truncate(path, acknowledgedBytes)
}

export interface SegmentContent {
  readonly records: readonly SpooledRecord[]
  /** Bytes up to a torn end. */
  readonly bytes: number
  readonly isTorn: boolean
  /** Files that hold what could not be read. */
  readonly quarantined: readonly string[]
}

/** Reads a segment. What is damaged is put aside, in `quarantine/` beside it, once however often it is read. */
export async function readSegment(path: string): Promise<SegmentContent> {
  const content = await readFile(path)
  const { records, damaged, torn } = readFrames(content)
  const quarantined: string[] = []
  for (const span of damaged) quarantined.push(await putAside(path, content, span))
  return {
    records,
    bytes: torn?.start ?? content.length,
    isTorn: torn !== null,
    quarantined,
  }
}

async function putAside(path: string, content: Buffer, { start, end }: Span): Promise<string> {
  const directory = join(dirname(path), 'quarantine')
  await mkdir(directory, { recursive: true })
  const aside = join(directory, `${basename(path, segmentSuffix)}-${start}`)
  await writeDurably(aside, content.subarray(start, end))
  return aside
}

export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'w')
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await syncDirectory(dirname(path))
}

/** Makes the names in a directory survive a crash of the machine. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
