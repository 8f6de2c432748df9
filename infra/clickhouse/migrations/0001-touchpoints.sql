-- Of touchpoints with one (source, id) the earliest accepted counts: it has the highest precedence.
CREATE TABLE IF NOT EXISTS {database}.touchpoints {on_cluster} (
  source LowCardinality(String) COMMENT 'Source whose write key the event carried',
  id String COMMENT 'Event id, unique within the source',
  precedence UInt64 COMMENT 'Of rows with one source and id the highest counts: earliest accepted, ties by content',
  type LowCardinality(String) COMMENT 'What happened: card_click, room_enter, scan, click, form, share, page_view, impression',
  at DateTime64(3, 'UTC') COMMENT 'When it happened, clock skew of the client corrected',
  sent_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the client sent it, by its own clock',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the edge took it over',
  identifiers Array(String) COMMENT 'Keyed hashes of who it was, strongest first; empty for an event that names nobody',
  channel LowCardinality(String) COMMENT 'Where it happened, e.g. douyin.live, wechat.group',
  platform LowCardinality(String) COMMENT 'Platform it happened on',
  shop String COMMENT 'Shop it happened in',
  room String COMMENT 'Live session',
  streamer String COMMENT 'Who hosted it',
  video String COMMENT 'Video that was shown',
  sku String COMMENT 'Product shown or clicked, where known',
  campaign String COMMENT 'utm_campaign',
  campaign_source String COMMENT 'utm_source',
  medium String COMMENT 'utm_medium',
  content String COMMENT 'utm_content',
  term String COMMENT 'utm_term',
  link String COMMENT 'Short code of the tracking link or QR code',
  placement String COMMENT 'Where the link stood: comment, profile, group, booth, dealer ...',
  page String COMMENT 'Origin and path of the page, without query',
  referrer String COMMENT 'Host of the referring page',
  shared_by String COMMENT 'Identifier of the person whose share led here',
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
COMMENT 'Recorded contacts, one row per (source, id). Duplicates vanish with FINAL; touchpoints_current has it built in.';
