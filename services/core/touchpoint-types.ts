// What can happen to somebody, weakest first: of two touches at one moment the stronger counts as the later.

export const touchpointTypes = [
  'impression',
  'page_view',
  'share',
  'form',
  'click',
  'scan',
  'room_enter',
  'card_click',
] as const

export type TouchpointType = (typeof touchpointTypes)[number]

/** Somebody saw something, without doing anything about it. */
export const viewTypes: ReadonlySet<string> = new Set<TouchpointType>(['impression', 'page_view'])

/** Position in the list above; the platform's claim comes before all. */
export function typePriority(type: string): number {
  return touchpointTypes.indexOf(type as TouchpointType)
}
