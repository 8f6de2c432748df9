// What a source states → figures to keep, or what is wrong with them.
import type { Fault } from '../edge/notes'
import { figureKey, type FigureKind, type FigureMessage, type Figures } from './figure'
import { figureFaults } from './figure-faults'

export interface FigureSource {
  readonly name: string
  /** The platform it speaks for, and the shops there; null for one that may speak of all. */
  readonly scope: { readonly platform: string; readonly shops: readonly string[] } | null
}

export interface FigureContext {
  readonly source: FigureSource
  readonly acceptedAt: number
}

export interface FigureVerdict<Kind extends FigureKind = FigureKind> {
  /** Empty when there are faults. */
  readonly key: string
  /** Null when there are faults. */
  readonly figure: Figures[Kind] | null
  readonly faults: readonly Fault[]
}

/** The record of a figure whose types are right, or its faults. */
export function figureFrom<Kind extends FigureKind>(
  kind: Kind,
  message: FigureMessage<Kind>,
  { source, acceptedAt }: FigureContext,
): FigureVerdict<Kind> {
  const placed = withPlatform(message, source)
  const faults = [...scopeFaults(kind, placed, source), ...figureFaults(kind, placed, acceptedAt)]
  if (faults.length > 0) return { key: '', figure: null, faults }
  // Its parts are those of the record: FigureMessage leaves out these two and nothing else.
  const figure = {
    ...placed,
    source: source.name,
    accepted_at: acceptedAt,
  } as unknown as Figures[Kind]
  return { key: figureKey(kind, figure), figure, faults }
}

/**
 * Of figures with one key in one request the later was meant: each is accepted a millisecond after the one before, so
 * that it counts whatever their contents are.
 */
export function inOrder(verdicts: readonly FigureVerdict[]): FigureVerdict[] {
  const seen = new Map<string, number>()
  return verdicts.map((verdict) => {
    const { key, figure } = verdict
    if (figure === null) return verdict
    const before = seen.get(key) ?? 0
    seen.set(key, before + 1)
    const accepted_at = figure.accepted_at + before
    return before === 0 ? verdict : { ...verdict, figure: { ...figure, accepted_at } }
  })
}

/** What figures that belong to a platform have. */
interface OfPlatform {
  readonly platform: string
  /** Empty for all of them. */
  readonly shop: string
}

function isOfPlatform(message: object): message is OfPlatform {
  return 'platform' in message && 'shop' in message
}

/** A source of one platform speaks of that platform where it names none. */
function withPlatform<Message extends object>(message: Message, { scope }: FigureSource): Message {
  if (scope === null || !isOfPlatform(message) || message.platform !== '') return message
  return { ...message, platform: scope.platform }
}

function scopeFaults(kind: FigureKind, message: object, { scope }: FigureSource): Fault[] {
  if (!isOfPlatform(message)) return []
  const { platform, shop } = message
  if (scope === null) {
    // Money may be spent on no platform in particular; a room or a SKU is always one's.
    const isMissing = platform === '' && kind !== 'ad-spend'
    return isMissing ? [{ field: 'platform', fault: 'missing' }] : []
  }
  const faults: Fault[] = []
  if (platform !== scope.platform) {
    faults.push({ field: 'platform', fault: 'is not the platform of this source' })
  }
  if (shop !== '' && !scope.shops.includes(shop)) {
    faults.push({ field: 'shop', fault: 'is not a shop of this source' })
  }
  return faults
}
