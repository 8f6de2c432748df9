// The shapes of figures as sources state them, strictly: a misspelt ended_at that were ignored would be a room that
// never ends. What the fields must add up to is core's business.
import { z } from 'zod'
import type { Fault } from '../core/edge/notes'
import type { FigureKind, FigureMessage } from '../core/figures/figure'
import {
  channel,
  code,
  filled,
  instant,
  instantOrNull,
  loose,
  minor,
  optional,
  optionalMinor,
  optionalText,
  pieces,
  platform,
  readShape,
  wholeNumber,
} from './read-fields'

/** Of every figure. */
const stated = {
  withdrawn: z
    .boolean({ error: 'must be true or false' })
    .nullish()
    .transform((value) => value ?? false),
  updated_at: instantOrNull,
}

const basisPoints = wholeNumber(0, 10_000, 'a whole number of basis points, 0 to 10000')

const shapes = {
  'live-sessions': z.strictObject({
    // Where a source speaks for one platform core fills it in, or says that it is missing.
    platform: optional(platform),
    room: filled(128),
    session: optionalText(128),
    shop: optional(code(64)),
    streamer: filled(128),
    title: loose(256),
    started_at: instant,
    ended_at: instantOrNull,
    currency: filled(3),
    slot_fee_minor: optionalMinor,
    commission_basis_points: basisPoints.nullish().transform((value) => value ?? 0),
    ...stated,
  }),
  'ad-spend': z.strictObject({
    id: filled(128),
    from_at: instant,
    to_at: instant,
    platform: optional(platform),
    shop: optional(code(64)),
    channel: optional(channel),
    campaign: optionalText(256),
    room: optionalText(128),
    streamer: optionalText(128),
    currency: filled(3),
    amount_minor: minor,
    ...stated,
  }),
  'product-costs': z.strictObject({
    sku: filled(128),
    currency: filled(3),
    valid_from: instant,
    cost_minor: minor,
    ...stated,
  }),
  'sku-mappings': z.strictObject({
    platform: optional(platform),
    shop: optional(code(64)),
    platform_sku: filled(128),
    sku: filled(128),
    pieces: pieces(1)
      .nullish()
      .transform((value) => value ?? 1),
    ...stated,
  }),
} as const satisfies { readonly [Kind in FigureKind]: z.ZodType<FigureMessage<Kind>> }

/** The fields a figure of `kind` may have. */
export function figureFields(kind: FigureKind): readonly string[] {
  return Object.keys(shapes[kind].shape)
}

/** The message of a JSON value, or every fault of its shape by field. Never quotes a value. */
export function readFigure<Kind extends FigureKind>(
  kind: Kind,
  input: unknown,
): { readonly message: FigureMessage<Kind> } | { readonly faults: readonly Fault[] } {
  const shape: { readonly [Each in FigureKind]: z.ZodType<FigureMessage<Each>> } = shapes
  return readShape(shape[kind], input, 'figure')
}
