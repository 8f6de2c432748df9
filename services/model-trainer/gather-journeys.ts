// Journeys become counts inside ClickHouse: however many there are, what comes over the wire is one row per pair of
// channels. Which journeys count is said here, step by step, in the order of the queries below.
import {
  channelsKept,
  otherChannel,
  states,
  type JourneyCounts,
} from '../core/models/journey-counts'
import { touchpointTypes, viewTypes } from '../core/touchpoint-types'
import type { Warehouse } from '../runtime/clickhouse'

export interface JourneyQuery {
  /** Journeys that ended from then until before then; epoch ms. */
  readonly from: number
  readonly to: number
  /** After so long without a touch a journey has ended without an order. */
  readonly timeoutMs: number
  readonly channelsMax: number
  /** Whether views count beside clicks, scans or entered rooms. */
  readonly clicksBeforeViews: boolean
}

export interface GatheredJourneys {
  readonly counts: JourneyCounts
  /** Channels that were too rare and are counted as `other`. */
  readonly folded: number
}

interface Counted {
  readonly kind: 'transition' | 'sighting'
  readonly a: string
  readonly b: string
  readonly size: number
  readonly journeys: number
}

/** @throws DependencyError */
export async function gatherJourneys(
  warehouse: Warehouse,
  query: JourneyQuery,
): Promise<GatheredJourneys> {
  const ask = <Row>(sql: string, more: Readonly<Record<string, unknown>> = {}): Promise<Row[]> =>
    warehouse.query<Row>(sql.replaceAll('$', `${warehouse.database}.`), {
      ...parametersOf(query),
      ...more,
    })
  // Names of states among the first would take the place of channels.
  const reserved = Object.keys(states).length + 1
  const found = await ask<{ channel: string; journeys: number; different: number }>(
    `${paths}
SELECT channel, count() AS journeys, count() OVER () AS different
FROM paths ARRAY JOIN arrayDistinct(channels) AS channel
GROUP BY channel ORDER BY journeys DESC, channel LIMIT {most:UInt32} ${settings}`,
    { most: query.channelsMax + reserved },
  )
  const kept = channelsKept(found, query.channelsMax)
  const rows = await ask<Counted>(`${paths}${counting}`, { kept })
  return {
    folded: Math.max(0, (found[0]?.different ?? 0) - kept.length),
    counts: {
      transitions: rows
        .filter(({ kind }) => kind === 'transition')
        .map(({ a, b, journeys }) => ({ from: a, to: b, times: journeys })),
      sightings: rows
        .filter(({ kind }) => kind === 'sighting')
        .map(({ a, b, size, journeys }) => ({
          ...{ channel: a, channels: size, converted: b === states.conversion, journeys },
        })),
    },
  }
}

function parametersOf({ from, to, timeoutMs, clicksBeforeViews }: JourneyQuery) {
  return {
    ...{ since: from, to, timeout: timeoutMs, clicks: clicksBeforeViews ? 1 : 0 },
    ...{ types: [...touchpointTypes], views: [...viewTypes] },
  }
}

/** What does not fit into memory goes to disk. */
const settings = `SETTINGS max_bytes_before_external_group_by = 2000000000, max_bytes_before_external_sort = 2000000000,
  join_algorithm = 'grace_hash'`

const time = (name: string): string => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`

/**
 * paths: one row per journey that ended in the window, as the channels it went through.
 * - An order that converted then is a journey: the channels of the touches that counted, by their first time; of an order
 *   without any, `direct`. One that was refunded altogether is none.
 * - Every other touch is part of a journey without an order. What one person touched, in order of time, less what lies
 *   between the first touch that counted for one of the person's orders and its conversion, is cut wherever the person
 *   converted or did not touch anything for the timeout. A piece that was not touched for the timeout has ended then.
 * - Whose a touch is: the person of its strongest identifier that is no hub. Touches of nobody, or of hubs only, are left
 *   out: nobody knows how they went on. So are touches older than two timeouts before the window.
 * - As orders are credited, types that no window knows do not count, nor views beside anything else, where the settings
 *   say so.
 */
const paths = `WITH
bought AS (
  SELECT person, converted_at, net_minor > 0 OR refunded_minor = 0 AS stands,
    arrayFilter(touch -> touch.counted, journey) AS touches,
    if(empty(touches), assumeNotNull(converted_at), touches[1].first_at) AS began_at
  FROM $orders FINAL
  WHERE converted_at IS NOT NULL AND converted_at >= ${time('since')} - INTERVAL 2 * {timeout:Int64} MILLISECOND
),
orders_of AS (
  SELECT person, groupArray((began_at, assumeNotNull(converted_at))) AS spans FROM bought GROUP BY person
),
touched AS (
  SELECT at, channel, type, arrayJoin(arrayEnumerate(identifiers)) AS strength, identifiers[strength] AS identifier, source, id
  FROM $touchpoints FINAL
  WHERE has({types:Array(String)}, type) AND notEmpty(identifiers)
    AND at >= ${time('since')} - INTERVAL 2 * {timeout:Int64} MILLISECOND AND at < ${time('to')}
),
owned AS (
  SELECT
    any(touched.at) AS at, any(touched.channel) AS channel, any(touched.type) AS type,
    argMinIf(if(known.person = '', touched.identifier, known.person), touched.strength, known.state != 'hub') AS person
  FROM touched LEFT JOIN (SELECT identifier, person, state FROM $identities FINAL) AS known
    ON known.identifier = touched.identifier
  GROUP BY touched.source, touched.id
),
pieces AS (
  SELECT
    arrayFilter(
      touch -> NOT arrayExists(span -> touch.1 >= span.1 AND touch.1 <= span.2, spans),
      arraySort(groupArray((at, has({views:Array(String)}, type), channel)))
    ) AS free,
    arrayJoin(arraySplit(
      (touch, before) -> dateDiff('millisecond', before.1, touch.1) >= {timeout:Int64}
        OR arrayExists(span -> span.2 >= before.1 AND span.2 <= touch.1, spans),
      free, arraySlice(arrayPushFront(free, free[1]), 1, length(free))
    )) AS piece
  FROM owned LEFT JOIN orders_of ON orders_of.person = owned.person
  WHERE owned.person != ''
  GROUP BY owned.person, orders_of.spans AS spans
),
paths AS (
  SELECT if(empty(touches), ['direct'], arrayMap(touch -> touch.channel, touches)) AS channels, 1 AS converted
  FROM bought
  WHERE stands AND converted_at >= ${time('since')} AND converted_at < ${time('to')}
  UNION ALL
  SELECT
    arrayMap(
      touch -> touch.3,
      arrayFilter(touch -> NOT (touch.2 AND {clicks:UInt8} = 1 AND arrayExists(one -> NOT one.2, piece)), piece)
    ) AS channels,
    0 AS converted
  FROM pieces
  WHERE notEmpty(piece)
    AND piece[-1].1 + INTERVAL {timeout:Int64} MILLISECOND >= ${time('since')}
    AND piece[-1].1 + INTERVAL {timeout:Int64} MILLISECOND < ${time('to')}
)
`

/** Of each path the steps between channels and to its end, and its different channels; a channel twice in a row is one. */
const counting = `SELECT fact.1 AS kind, fact.2 AS a, fact.3 AS b, fact.4 AS size, toInt64(sum(journeys)) AS journeys
FROM (
  SELECT
    journeys,
    arrayCompact(arrayMap(channel -> if(has({kept:Array(String)}, channel), channel, '${otherChannel}'), channels)) AS path,
    arrayDistinct(path) AS different,
    if(converted = 1, '${states.conversion}', '${states.none}') AS end,
    arrayJoin(arrayConcat(
      arrayMap(
        (here, there) -> ('transition', here, there, toUInt32(0)),
        arrayPushFront(path, '${states.start}'), arrayPushBack(path, end)
      ),
      arrayMap(channel -> ('sighting', channel, end, toUInt32(length(different))), different)
    )) AS fact
  FROM (SELECT channels, converted, count() AS journeys FROM paths GROUP BY channels, converted)
)
GROUP BY fact ORDER BY kind, a, b, size ${settings}`
