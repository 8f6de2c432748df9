-- The history: every version of every order, appended and never changed.
CREATE TABLE IF NOT EXISTS {database}.attributed_orders {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  version Int64 COMMENT 'A higher version replaces a lower one as a whole: generation * 2^32 + counter',
  cause LowCardinality(String) COMMENT 'What made this version: snapshot, touch, merge, settings, cut',
  platform LowCardinality(String) COMMENT 'Platform the order was placed on',
  shop String COMMENT 'Shop on that platform',
  order_id String COMMENT 'Order number of the platform',
  source LowCardinality(String) COMMENT 'Gateway source that signed the snapshot',
  status LowCardinality(String) COMMENT 'created, paid, partly_shipped, shipped, completed, refunded, cancelled',
  kind LowCardinality(String) COMMENT 'sale, sample, gift',
  currency LowCardinality(String) COMMENT 'ISO 4217 code of all amounts of the order',
  created_at DateTime64(3, 'UTC') COMMENT 'When the order was placed',
  paid_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was paid; null while unpaid',
  updated_at DateTime64(3, 'UTC') COMMENT 'When the platform last changed it',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the gateway took this snapshot over',
  converted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Conversion time the models count from; null while the order does not count',
  paid_minor Int64 COMMENT 'What the buyer paid, in minor units: lines plus freight',
  refunded_minor Int64 COMMENT 'Refunded so far, in minor units',
  net_minor Int64 COMMENT 'Paid less refunded, in minor units: what the credits of each model sum to',
  freight_minor Int64 COMMENT 'Freight within paid_minor, in minor units',
  settlement LowCardinality(String) COMMENT 'unsettled, settled',
  settled_minor Int64 COMMENT 'What the platform settled, in minor units',
  identifiers Array(String) COMMENT 'Keyed hashes of the buyer, strongest first',
  person String COMMENT 'Smallest identifier of the person who bought',
  person_identifiers Array(String) COMMENT 'All identifiers of that person',
  evidence Array(Tuple(identifiers Array(String), source String, id String, at DateTime64(3, 'UTC'))) COMMENT 'What joined those identifiers: sets seen together, and the earliest record that showed each',
  lines Array(Tuple(
    line_id String, sku String, title String, quantity Int64, paid_minor Int64, refunded_minor Int64,
    refunded_quantity Int64, warehouse String, claim_channel String, claim_room String,
    claim_streamer String, claim_video String, claim_promoter String
  )) COMMENT 'Order lines with the claim of the platform; empty claim fields where it makes none',
  journey Array(Tuple(
    source String, id String, type String, first_at DateTime64(3, 'UTC'), last_at DateTime64(3, 'UTC'),
    touches Int64, channel String, platform String, room String, streamer String, video String, sku String,
    campaign String, promoter String, link String, counted Bool, reason String
  )) COMMENT 'Touches that led to the order, by time, each with whether it counted and why',
  not_shown Map(String, Int64) COMMENT 'Touches left out of the journey, counted by reason',
  credits Array(Tuple(
    model String, source String, touchpoint_id String, channel String, platform String, room String,
    streamer String, video String, campaign String, promoter String, weight_ppb Int64, amount_minor Int64
  )) COMMENT 'Shares of net_minor by model and touchpoint; weight_ppb in parts of 10^9',
  settings String COMMENT 'Attribution settings that applied at conversion',
  replaces Array(Tuple(
    model String, source String, touchpoint_id String, channel String, platform String, room String,
    streamer String, video String, campaign String, promoter String, weight_ppb Int64, amount_minor Int64
  )) COMMENT 'Credits of the version before, which this one takes back',
  replaces_version Nullable(Int64) COMMENT 'Version before this one; null for the first',
  replaces_converted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Conversion time under which the credits of the version before were summed',
  replaces_currency LowCardinality(String) COMMENT 'Currency under which they were summed; empty for the first version',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}MergeTree
ORDER BY (order_key, version)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Every version of every order: history and audit. Appended exactly once per version; read orders_current for the present.';

-- The present: the newest version of each order.
CREATE TABLE IF NOT EXISTS {database}.orders {on_cluster} (
  order_key String COMMENT 'platform:shop:order_id',
  version Int64 COMMENT 'Of rows with one order_key the highest version counts',
  cause LowCardinality(String) COMMENT 'What made this version: snapshot, touch, merge, settings, cut',
  platform LowCardinality(String) COMMENT 'Platform the order was placed on',
  shop String COMMENT 'Shop on that platform',
  order_id String COMMENT 'Order number of the platform',
  source LowCardinality(String) COMMENT 'Gateway source that signed the snapshot',
  status LowCardinality(String) COMMENT 'created, paid, partly_shipped, shipped, completed, refunded, cancelled',
  kind LowCardinality(String) COMMENT 'sale, sample, gift',
  currency LowCardinality(String) COMMENT 'ISO 4217 code of all amounts of the order',
  created_at DateTime64(3, 'UTC') COMMENT 'When the order was placed',
  paid_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was paid; null while unpaid',
  updated_at DateTime64(3, 'UTC') COMMENT 'When the platform last changed it',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the gateway took this snapshot over',
  converted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Conversion time the models count from; null while the order does not count',
  paid_minor Int64 COMMENT 'What the buyer paid, in minor units: lines plus freight',
  refunded_minor Int64 COMMENT 'Refunded so far, in minor units',
  net_minor Int64 COMMENT 'Paid less refunded, in minor units: what the credits of each model sum to',
  freight_minor Int64 COMMENT 'Freight within paid_minor, in minor units',
  settlement LowCardinality(String) COMMENT 'unsettled, settled',
  settled_minor Int64 COMMENT 'What the platform settled, in minor units',
  identifiers Array(String) COMMENT 'Keyed hashes of the buyer, strongest first',
  person String COMMENT 'Smallest identifier of the person who bought',
  person_identifiers Array(String) COMMENT 'All identifiers of that person',
  evidence Array(Tuple(identifiers Array(String), source String, id String, at DateTime64(3, 'UTC'))) COMMENT 'What joined those identifiers: sets seen together, and the earliest record that showed each',
  lines Array(Tuple(
    line_id String, sku String, title String, quantity Int64, paid_minor Int64, refunded_minor Int64,
    refunded_quantity Int64, warehouse String, claim_channel String, claim_room String,
    claim_streamer String, claim_video String, claim_promoter String
  )) COMMENT 'Order lines with the claim of the platform; empty claim fields where it makes none',
  journey Array(Tuple(
    source String, id String, type String, first_at DateTime64(3, 'UTC'), last_at DateTime64(3, 'UTC'),
    touches Int64, channel String, platform String, room String, streamer String, video String, sku String,
    campaign String, promoter String, link String, counted Bool, reason String
  )) COMMENT 'Touches that led to the order, by time, each with whether it counted and why',
  not_shown Map(String, Int64) COMMENT 'Touches left out of the journey, counted by reason',
  credits Array(Tuple(
    model String, source String, touchpoint_id String, channel String, platform String, room String,
    streamer String, video String, campaign String, promoter String, weight_ppb Int64, amount_minor Int64
  )) COMMENT 'Shares of net_minor by model and touchpoint; weight_ppb in parts of 10^9',
  settings String COMMENT 'Attribution settings that applied at conversion',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') COMMENT 'When the row was written here',
  INDEX person_index person TYPE bloom_filter GRANULARITY 1
)
ENGINE = {engine_prefix}ReplacingMergeTree(version)
ORDER BY order_key
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Newest version of each order with FINAL; orders_current, credits and journeys have it built in.';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.orders_feed {on_cluster} TO {database}.orders
AS SELECT * EXCEPT (replaces, replaces_version, replaces_converted_at, replaces_currency)
FROM {database}.attributed_orders
COMMENT 'Copies each version from attributed_orders into orders';
