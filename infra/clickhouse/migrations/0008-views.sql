-- Flat views for people: FINAL built in, one meaning per row, every column explained.
CREATE VIEW IF NOT EXISTS {database}.touchpoints_current {on_cluster} (
  source String COMMENT 'Source whose write key the event carried',
  id String COMMENT 'Event id, unique within the source',
  type String COMMENT 'What happened: card_click, room_enter, scan, click, form, share, page_view, impression',
  at DateTime64(3, 'UTC') COMMENT 'When it happened',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the edge took it over',
  written_at DateTime64(3, 'UTC') COMMENT 'When it was written here',
  identifiers Array(String) COMMENT 'Keyed hashes of who it was, strongest first',
  channel String COMMENT 'Where it happened',
  platform String COMMENT 'Platform it happened on',
  shop String COMMENT 'Shop it happened in',
  room String COMMENT 'Live session',
  streamer String COMMENT 'Who hosted it',
  video String COMMENT 'Video that was shown',
  sku String COMMENT 'Product shown or clicked',
  campaign String COMMENT 'utm_campaign',
  campaign_source String COMMENT 'utm_source',
  medium String COMMENT 'utm_medium',
  content String COMMENT 'utm_content',
  term String COMMENT 'utm_term',
  link String COMMENT 'Short code of the tracking link or QR code',
  placement String COMMENT 'Where the link stood',
  page String COMMENT 'Origin and path of the page',
  referrer String COMMENT 'Host of the referring page',
  shared_by String COMMENT 'Identifier of the person whose share led here'
)
AS SELECT
  source, id, type, at, accepted_at, written_at, identifiers, channel, platform, shop, room, streamer, video,
  sku, campaign, campaign_source, medium, content, term, link, placement, page, referrer, shared_by
FROM {database}.touchpoints FINAL
COMMENT 'One row per touchpoint';

CREATE VIEW IF NOT EXISTS {database}.orders_current {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  version Int64 COMMENT 'Version of the order: generation * 2^32 + counter',
  cause String COMMENT 'What made this version: snapshot, touch, merge, settings, cut',
  platform String COMMENT 'Platform the order was placed on',
  shop String COMMENT 'Shop on that platform',
  order_id String COMMENT 'Order number of the platform',
  source String COMMENT 'Gateway source that signed it',
  status String COMMENT 'created, paid, partly_shipped, shipped, completed, refunded, cancelled',
  kind String COMMENT 'sale, sample, gift',
  currency String COMMENT 'ISO 4217 code of all amounts',
  created_at DateTime64(3, 'UTC') COMMENT 'When it was placed',
  paid_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was paid; null while unpaid',
  converted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Conversion time the models count from; null while it does not count',
  updated_at DateTime64(3, 'UTC') COMMENT 'When the platform last changed it',
  gross_minor Int64 COMMENT 'Amount ordered, in minor units: lines plus freight, before refunds, paid or not',
  paid_minor Int64 COMMENT 'Amount paid, in minor units: 0 while unpaid',
  refunded_minor Int64 COMMENT 'Refunded so far, in minor units',
  net_minor Int64 COMMENT 'Paid less refunded, in minor units: what the credits of each model sum to',
  freight_minor Int64 COMMENT 'Freight within gross_minor, in minor units',
  lines UInt64 COMMENT 'Number of order lines',
  skus Array(String) COMMENT 'SKU codes of the lines',
  settlement String COMMENT 'unsettled, settled',
  settled_minor Int64 COMMENT 'What the platform settled, in minor units',
  person String COMMENT 'Smallest identifier of the person who bought',
  person_identifiers Array(String) COMMENT 'All identifiers of that person',
  touches UInt64 COMMENT 'Touches in the journey, collapsed ones counted once',
  touches_counted UInt64 COMMENT 'Touches of the journey that the models may credit',
  settings String COMMENT 'Attribution settings that applied at conversion',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the gateway took the newest snapshot over',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took this version',
  written_at DateTime64(3, 'UTC') COMMENT 'When this version was written here; see order_freshness for delays'
)
AS SELECT
  order_key, version, cause, platform, shop, order_id, source, status, kind, currency,
  created_at, paid_at, converted_at, updated_at,
  paid_minor AS gross_minor, if(isNull(paid_at), 0, paid_minor) AS paid_minor, refunded_minor, net_minor,
  freight_minor, length(lines) AS lines, lines.sku AS skus, settlement, settled_minor,
  person, person_identifiers, length(journey) AS touches,
  arrayCount(touch -> touch.counted, journey) AS touches_counted, settings,
  accepted_at, appended_at, written_at
FROM {database}.orders FINAL
COMMENT 'One row per order, as it stands now';

CREATE VIEW IF NOT EXISTS {database}.order_freshness {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the gateway took the snapshot over',
  written_at DateTime64(3, 'UTC') COMMENT 'When its credits were first written here',
  freshness_ms Int64 COMMENT 'Milliseconds between the two'
)
AS SELECT
  order_key, accepted_at, min(attributed.written_at) AS written_at,
  dateDiff('millisecond', accepted_at, min(attributed.written_at)) AS freshness_ms
FROM {database}.attributed_orders AS attributed
GROUP BY order_key, accepted_at
COMMENT 'One row per order snapshot: how long it took from the gateway to credits here';

CREATE VIEW IF NOT EXISTS {database}.credits {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  model String COMMENT 'Attribution model',
  touchpoint_source String COMMENT 'Source of the credited touchpoint; empty for direct, claim for the claim of the platform',
  touchpoint_id String COMMENT 'Id of the credited touchpoint; empty for direct',
  channel String COMMENT 'Channel of the credited touchpoint; direct when none was eligible',
  touchpoint_platform String COMMENT 'Platform of the credited touchpoint',
  room String COMMENT 'Live session of the credited touchpoint',
  streamer String COMMENT 'Streamer of the credited touchpoint',
  video String COMMENT 'Video of the credited touchpoint',
  campaign String COMMENT 'Campaign of the credited touchpoint',
  promoter String COMMENT 'Promoter of the credited touchpoint',
  touched_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the touchpoint last happened; null where the journey does not show it',
  weight Float64 COMMENT 'Share of the order, 0 to 1; the weights of one order and model sum to 1',
  weight_ppb Int64 COMMENT 'The same share in parts of 10^9, exact',
  amount_minor Int64 COMMENT 'Credited money in minor units; one order and model sums to net_minor',
  currency String COMMENT 'ISO 4217 code of amount_minor',
  converted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Conversion time of the order',
  platform String COMMENT 'Platform of the order',
  shop String COMMENT 'Shop of the order',
  order_id String COMMENT 'Order number of the platform',
  status String COMMENT 'Status of the order',
  kind String COMMENT 'sale, sample, gift',
  net_minor Int64 COMMENT 'Paid less refunded of the whole order, in minor units',
  person String COMMENT 'Smallest identifier of the person who bought',
  settings String COMMENT 'Attribution settings that applied at conversion'
)
AS SELECT
  order_key,
  credit.model AS model,
  credit.source AS touchpoint_source,
  credit.touchpoint_id AS touchpoint_id,
  credit.channel AS channel,
  credit.platform AS touchpoint_platform,
  credit.room AS room,
  credit.streamer AS streamer,
  credit.video AS video,
  credit.campaign AS campaign,
  credit.promoter AS promoter,
  if(
    indexOf(journey.id, credit.touchpoint_id) = 0,
    NULL,
    arrayFirst(touch -> touch.source = credit.source AND touch.id = credit.touchpoint_id, journey).last_at
  ) AS touched_at,
  credit.weight_ppb / 1e9 AS weight,
  credit.weight_ppb AS weight_ppb,
  credit.amount_minor AS amount_minor,
  currency, converted_at, orders.platform AS platform, shop, order_id, status, kind, net_minor, person, settings
FROM {database}.orders FINAL
ARRAY JOIN credits AS credit
COMMENT 'One row per order, model and credited touchpoint, as it stands now';

CREATE VIEW IF NOT EXISTS {database}.journeys {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  person String COMMENT 'Smallest identifier of the person who bought',
  converted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Conversion time of the order',
  position UInt32 COMMENT 'Place in the journey, from 1',
  touchpoint_source String COMMENT 'Source of the touchpoint',
  touchpoint_id String COMMENT 'Id of the earliest of the touchpoints collapsed into this touch',
  type String COMMENT 'What happened: card_click, room_enter, scan, click, form, share, page_view, impression',
  first_at DateTime64(3, 'UTC') COMMENT 'When the earliest of them happened',
  last_at DateTime64(3, 'UTC') COMMENT 'When the latest of them happened; windows look at it',
  touches Int64 COMMENT 'How many were collapsed into this touch',
  channel String COMMENT 'Where it happened',
  touchpoint_platform String COMMENT 'Platform it happened on',
  room String COMMENT 'Live session',
  streamer String COMMENT 'Who hosted it',
  video String COMMENT 'Video that was shown',
  sku String COMMENT 'Product shown or clicked',
  campaign String COMMENT 'Campaign of the touchpoint',
  promoter String COMMENT 'Promoter of the touchpoint',
  link String COMMENT 'Short code of the tracking link or QR code',
  counted Bool COMMENT 'Whether the models may credit it',
  reason String COMMENT 'Why it counted or did not: eligible, outside_window, view_beside_click, same_as_touchpoint, before_previous_order, other_product, unknown_type, beyond_limit'
)
AS SELECT
  order_key, person, converted_at, position,
  touch.source AS touchpoint_source,
  touch.id AS touchpoint_id,
  touch.type AS type,
  touch.first_at AS first_at,
  touch.last_at AS last_at,
  touch.touches AS touches,
  touch.channel AS channel,
  touch.platform AS touchpoint_platform,
  touch.room AS room,
  touch.streamer AS streamer,
  touch.video AS video,
  touch.sku AS sku,
  touch.campaign AS campaign,
  touch.promoter AS promoter,
  touch.link AS link,
  touch.counted AS counted,
  touch.reason AS reason
FROM {database}.orders FINAL
ARRAY JOIN journey AS touch, arrayEnumerate(journey) AS position
COMMENT 'One row per order and touch, counted or not, as it stands now';

CREATE VIEW IF NOT EXISTS {database}.identities_current {on_cluster} (
  identifier String COMMENT 'Keyed hash: kind:hash or kind:scope:hash',
  kind String COMMENT 'Kind of the identifier',
  person String COMMENT 'Smallest identifier of the person; a hub or contested identifier stands for itself',
  state String COMMENT 'member, contested, hub',
  seen_with Array(String) COMMENT 'Other identifiers it was seen together with',
  sets UInt64 COMMENT 'How many different sets of identifiers show it; at most 20 are kept',
  written_at DateTime64(3, 'UTC') COMMENT 'When this was written here'
)
AS SELECT
  identifier, kind, person, state,
  arraySort(arrayFilter(other -> other != identifier, arrayDistinct(arrayFlatten(evidence.identifiers)))) AS seen_with,
  length(evidence) AS sets, written_at
FROM {database}.identities FINAL
COMMENT 'One row per identifier: the person it belongs to now';

CREATE VIEW IF NOT EXISTS {database}.stock_positions_current {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  sku String COMMENT 'SKU code of the merchant',
  warehouse String COMMENT 'Warehouse the pieces are reserved in',
  quantity Int64 COMMENT 'Pieces reserved that no ERP sale represents',
  reason String COMMENT 'unpaid, sample, gift, or released',
  updated_at DateTime64(3, 'UTC') COMMENT 'When the platform changed the order that way',
  written_at DateTime64(3, 'UTC') COMMENT 'When this was written here'
)
AS SELECT order_key, sku, warehouse, quantity, reason, updated_at, written_at
FROM {database}.stock_positions FINAL
ORDER BY order_key, sku, warehouse, version DESC
LIMIT 1 BY order_key, sku, warehouse
COMMENT 'One row per order, SKU and warehouse: the quantity reserved now';

CREATE VIEW IF NOT EXISTS {database}.inventory_deltas {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  sku String COMMENT 'SKU code of the merchant',
  version Int64 COMMENT 'Version of the position that made the change',
  warehouse String COMMENT 'Warehouse whose reserved quantity changed',
  delta Int64 COMMENT 'Change of the reserved quantity; what is available to sell changes by its negative',
  reason String COMMENT 'unpaid, sample, gift, or released',
  updated_at DateTime64(3, 'UTC') COMMENT 'When the platform changed the order that way',
  written_at DateTime64(3, 'UTC') COMMENT 'When this was written here'
)
AS SELECT order_key, sku, version, warehouse, delta, reason, updated_at, written_at
FROM (
  SELECT
    order_key, sku, version, warehouse, reason, updated_at, written_at,
    quantity - lagInFrame(quantity) OVER (
      PARTITION BY order_key, sku, warehouse ORDER BY version
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS delta
  FROM {database}.stock_positions FINAL
)
WHERE delta != 0
COMMENT 'Changes of reserved stock: each position less the one before it, per order, SKU and warehouse';

CREATE VIEW IF NOT EXISTS {database}.erp_deliveries_current {on_cluster} (
  document_key String COMMENT 'Order key, or delta:<partition>:<warehouse>',
  kind String COMMENT 'order, delta, release',
  order_key String COMMENT 'Order the document is about; empty for a delta',
  outcome String COMMENT 'planned, delivered, refused, released',
  version Int64 COMMENT 'Version of the attributed order the document reflects',
  reference String COMMENT 'External reference in the ERP',
  erp_id String COMMENT 'Id the ERP gave the document',
  erp_state String COMMENT 'State of the document in the ERP',
  model String COMMENT 'Attribution model whose credits named the source fields',
  detail String COMMENT 'JSON of what was delivered',
  words String COMMENT 'What the ERP said when it refused',
  accepted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the edge took the order over',
  delivered_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the ERP had the document',
  written_at DateTime64(3, 'UTC') COMMENT 'When this was written here'
)
AS SELECT
  document_key, kind, order_key, outcome, version, reference, erp_id, erp_state, model, detail, words,
  accepted_at, delivered_at, written_at
FROM {database}.erp_deliveries FINAL
ORDER BY document_key, appended_at DESC, kafka_offset DESC
LIMIT 1 BY document_key
COMMENT 'One row per document: what became of it last';
