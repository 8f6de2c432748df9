-- Figures: what somebody states that no event tells. Of rows with one key the one that its source changed last counts; a
-- figure stated by mistake stays, and says that it is withdrawn.
CREATE TABLE IF NOT EXISTS {database}.live_sessions {on_cluster} (
  platform LowCardinality(String) COMMENT 'Platform of the room',
  room String COMMENT 'Live session, as touchpoints, claims and credits name it',
  session String COMMENT 'Which of several in that room; empty where each session has a room of its own',
  shop String COMMENT 'Shop it sells for; empty for more than one',
  streamer String COMMENT 'Who hosts it',
  title String COMMENT 'What it is called',
  started_at DateTime64(3, 'UTC') COMMENT 'When it goes, or went, on the air',
  ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was over; null until then',
  currency LowCardinality(String) COMMENT 'ISO 4217 code of slot_fee_minor',
  slot_fee_minor Int64 COMMENT 'Paid for the session as such, whatever it sells, in minor units',
  commission_basis_points Int32 COMMENT 'The streamer\'s share of what is credited to the room, less refunds: 2000 is 20 %',
  withdrawn Bool COMMENT 'Stated by mistake: counts no more',
  source LowCardinality(String) COMMENT 'Who stated it',
  precedence UInt128 COMMENT 'Of rows with one key the highest counts: changed last by its source, accepted last, ties by content',
  updated_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the source changed it last, where it says so',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the edge took it over',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree(precedence)
ORDER BY (platform, room, session)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Rooms on the air, one row per platform, room and session with FINAL. live_sessions_current has it built in.';

CREATE TABLE IF NOT EXISTS {database}.ad_spend {on_cluster} (
  id String COMMENT 'Unique within the source',
  from_at DateTime64(3, 'UTC') COMMENT 'When the span begins over which the money was spent, evenly',
  to_at DateTime64(3, 'UTC') COMMENT 'The first moment after the span',
  platform LowCardinality(String) COMMENT 'Platform the money was for; empty where it was for no one of them',
  shop String COMMENT 'Shop it was for; empty where it was for no one of them',
  channel LowCardinality(String) COMMENT 'Channel it was for, as touchpoints name it; empty where it was for no one of them',
  campaign String COMMENT 'Campaign it was for; empty where it was for no one of them',
  room String COMMENT 'Live session it was for; empty where it was for no one of them',
  streamer String COMMENT 'Streamer it was for; empty where it was for no one of them',
  currency LowCardinality(String) COMMENT 'ISO 4217 code of amount_minor',
  amount_minor Int64 COMMENT 'Money spent over the whole span, in minor units',
  withdrawn Bool COMMENT 'Stated by mistake: counts no more',
  source LowCardinality(String) COMMENT 'Who stated it',
  precedence UInt128 COMMENT 'Of rows with one key the highest counts: changed last by its source, accepted last, ties by content',
  updated_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the source changed it last, where it says so',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the edge took it over',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree(precedence)
ORDER BY (source, id)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Money spent on advertising, one row per source and id with FINAL. ad_spend_current has it built in.';

CREATE TABLE IF NOT EXISTS {database}.product_costs {on_cluster} (
  sku String COMMENT 'SKU code of the merchant, as the ERP knows it',
  currency LowCardinality(String) COMMENT 'ISO 4217 code of cost_minor',
  valid_from DateTime64(3, 'UTC') COMMENT 'From when on, until the next valid_from of the SKU and currency',
  cost_minor Int64 COMMENT 'Cost of one piece, in minor units',
  withdrawn Bool COMMENT 'Stated by mistake: counts no more',
  source LowCardinality(String) COMMENT 'Who stated it',
  precedence UInt128 COMMENT 'Of rows with one key the highest counts: changed last by its source, accepted last, ties by content',
  updated_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the source changed it last, where it says so',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the edge took it over',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree(precedence)
ORDER BY (sku, currency, valid_from)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'What SKUs cost, one row per SKU, currency and valid_from with FINAL. product_costs_current has it built in.';

CREATE TABLE IF NOT EXISTS {database}.sku_mappings {on_cluster} (
  platform LowCardinality(String) COMMENT 'Platform whose SKU it is',
  shop String COMMENT 'Shop on that platform; empty for every shop without a mapping of its own',
  platform_sku String COMMENT 'SKU as the platform calls it',
  sku String COMMENT 'SKU code of the merchant, as the ERP knows it',
  pieces Int32 COMMENT 'Pieces of the own SKU in one of the platform\'s',
  withdrawn Bool COMMENT 'Stated by mistake: counts no more',
  source LowCardinality(String) COMMENT 'Who stated it',
  precedence UInt128 COMMENT 'Of rows with one key the highest counts: changed last by its source, accepted last, ties by content',
  updated_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the source changed it last, where it says so',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the edge took it over',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree(precedence)
ORDER BY (platform, shop, platform_sku)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Which SKU of the merchant a platform\'s SKU is, one row per platform, shop and platform SKU with FINAL. sku_mappings_current has it built in.';

-- What the ERP has. A row is there for every reading that showed something new.
CREATE TABLE IF NOT EXISTS {database}.stock_levels {on_cluster} (
  sku String COMMENT 'SKU code, as the ERP knows it',
  warehouse String COMMENT 'Code of the warehouse in the ERP',
  quantity Int64 COMMENT 'Pieces on hand',
  forecast Nullable(Int64) COMMENT 'Pieces left once everything planned has moved in and out; null where the ERP does not say',
  withdrawn Bool COMMENT 'The ERP shows the SKU there no more; the quantity is 0',
  source LowCardinality(String) COMMENT 'Which ERP',
  precedence UInt128 COMMENT 'Of rows with one key the highest counts: read last, ties by content',
  read_at DateTime64(3, 'UTC') COMMENT 'When it was read',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree(precedence)
ORDER BY (sku, warehouse)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'What the ERP has of a SKU in a warehouse, one row each with FINAL. stock_levels_current has it built in.';

-- Replacing forgets what was said before: this keeps it, so that a correction can be seen.
CREATE TABLE IF NOT EXISTS {database}.figure_versions {on_cluster} (
  kind LowCardinality(String) COMMENT 'live-sessions, ad-spend, product-costs, sku-mappings',
  figure String COMMENT 'What tells it from others of its kind, with blanks between the parts',
  precedence UInt128 COMMENT 'The highest of a figure counts',
  withdrawn Bool COMMENT 'It was taken back here',
  source LowCardinality(String) COMMENT 'Who stated it so',
  updated_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the source changed it, where it says so',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the edge took it over',
  content String COMMENT 'What it said, as JSON',
  written_at DateTime64(3, 'UTC') COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree
ORDER BY (kind, figure, precedence)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Every statement of every figure, one row each with FINAL: what was corrected or withdrawn, when and by whom';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.live_sessions_versions_feed {on_cluster} TO {database}.figure_versions AS
SELECT 'live-sessions' AS kind, concat(platform, ' ', room, ' ', session) AS figure, precedence, withdrawn, source, updated_at, accepted_at,
  toJSONString(map('platform', toString(platform), 'room', toString(room), 'session', toString(session), 'shop', toString(shop), 'streamer', toString(streamer), 'title', toString(title), 'started_at', toString(started_at), 'ended_at', ifNull(toString(ended_at), ''), 'currency', toString(currency), 'slot_fee_minor', toString(slot_fee_minor), 'commission_basis_points', toString(commission_basis_points))) AS content,
  written_at
FROM {database}.live_sessions
COMMENT 'Copies every statement of live_sessions into figure_versions';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ad_spend_versions_feed {on_cluster} TO {database}.figure_versions AS
SELECT 'ad-spend' AS kind, concat(source, ' ', id) AS figure, precedence, withdrawn, source, updated_at, accepted_at,
  toJSONString(map('id', toString(id), 'from_at', toString(from_at), 'to_at', toString(to_at), 'platform', toString(platform), 'shop', toString(shop), 'channel', toString(channel), 'campaign', toString(campaign), 'room', toString(room), 'streamer', toString(streamer), 'currency', toString(currency), 'amount_minor', toString(amount_minor))) AS content,
  written_at
FROM {database}.ad_spend
COMMENT 'Copies every statement of ad_spend into figure_versions';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.product_costs_versions_feed {on_cluster} TO {database}.figure_versions AS
SELECT 'product-costs' AS kind, concat(sku, ' ', currency, ' ', toString(valid_from)) AS figure, precedence, withdrawn, source, updated_at, accepted_at,
  toJSONString(map('sku', toString(sku), 'currency', toString(currency), 'valid_from', toString(valid_from), 'cost_minor', toString(cost_minor))) AS content,
  written_at
FROM {database}.product_costs
COMMENT 'Copies every statement of product_costs into figure_versions';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.sku_mappings_versions_feed {on_cluster} TO {database}.figure_versions AS
SELECT 'sku-mappings' AS kind, concat(platform, ' ', shop, ' ', platform_sku) AS figure, precedence, withdrawn, source, updated_at, accepted_at,
  toJSONString(map('platform', toString(platform), 'shop', toString(shop), 'platform_sku', toString(platform_sku), 'sku', toString(sku), 'pieces', toString(pieces))) AS content,
  written_at
FROM {database}.sku_mappings
COMMENT 'Copies every statement of sku_mappings into figure_versions';
