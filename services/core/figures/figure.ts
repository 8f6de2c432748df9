// Figures: what somebody states that no event tells, so that money earned can be divided by money spent.
import type { AdSpend, LiveSession, ProductCost, SkuMapping } from '../records'
import { topics } from '../topics'

/** The topics of figures by kind; a kind is called like its topic. */
export const figureTopics = {
  'live-sessions': topics.liveSessions,
  'ad-spend': topics.adSpend,
  'product-costs': topics.productCosts,
  'sku-mappings': topics.skuMappings,
} as const

export type FigureKind = keyof typeof figureTopics
export const figureKinds = Object.keys(figureTopics) as readonly FigureKind[]

export interface Figures {
  readonly 'live-sessions': LiveSession
  readonly 'ad-spend': AdSpend
  readonly 'product-costs': ProductCost
  readonly 'sku-mappings': SkuMapping
}

export type Figure = Figures[FigureKind]

/** A figure as it is stated: what the edge adds is missing. */
export type FigureMessage<Kind extends FigureKind = FigureKind> = Omit<
  Figures[Kind],
  'source' | 'accepted_at'
>

/** What tells one figure from all others of its kind; a later statement of the same replaces it. */
const keyParts: { readonly [Kind in FigureKind]: (figure: Figures[Kind]) => readonly string[] } = {
  'live-sessions': ({ platform, room, session }) => [platform, room, session],
  'ad-spend': ({ source, id }) => [source, id],
  'product-costs': ({ sku, currency, valid_from }) => [sku, currency, String(valid_from)],
  'sku-mappings': ({ platform, shop, platform_sku }) => [platform, shop, platform_sku],
}

export function figureKey<Kind extends FigureKind>(kind: Kind, figure: Figures[Kind]): string {
  return joinKey(keyParts[kind](figure))
}

/** Parts that may hold anything as one text that no other parts make. */
export function joinKey(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll('%', '%25').replaceAll(':', '%3A')).join(':')
}
