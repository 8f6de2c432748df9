/** ClickHouse rounds hours and minutes in 32 bits: beyond them a time would silently become another one. */
const latestMs = Date.UTC(2100, 0, 1)

/** Whether the warehouse can hold a time: from 1970 to before 2100. What an edge takes must be one. */
export function isStorableTime(atMs: number): boolean {
  return atMs >= 0 && atMs < latestMs
}
