-- The ledger: what each station says it has, by kind, source and minute of acceptance. A digest is the sum modulo
-- 2^64 of the hashes of a set's ids; the hash is spelled out in topic_records and computed alike by the services.
-- Kept for 45 days; to change that: ALTER TABLE ... MODIFY TTL.
CREATE TABLE IF NOT EXISTS {database}.topic_records {on_cluster} (
  kind LowCardinality(String) COMMENT 'touchpoint, order',
  source LowCardinality(String) COMMENT 'Source of the record; empty for a record that cannot be decoded',
  id String COMMENT 'Touchpoint id or order key; empty for a record that cannot be decoded or was forgotten',
  id_hash UInt64 DEFAULT bitOr(bitShiftLeft(toUInt64(xxHash32(id)), 32), toUInt64(kafkaMurmurHash(id))) COMMENT 'What digests are sums of',
  minute DateTime('UTC') COMMENT 'Minute of acceptance; of appending for a record that cannot be decoded',
  accepted_at DateTime64(3, 'UTC') COMMENT 'When the edge took the record over',
  precedence UInt64 COMMENT 'Of records with one source and id the highest (precedence, tie) counts',
  tie Int64 COMMENT 'Orders: refunded_minor of the snapshot',
  named Bool COMMENT 'Names somebody, so that the stream processor keeps it',
  boot LowCardinality(String) COMMENT 'Run of the edge that took it over; empty where no edge did',
  sequence UInt64 COMMENT 'The how many-th record of its source of that run; the same for a record written twice',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the record was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}MergeTree
PARTITION BY toDate(appended_at)
ORDER BY (kind, source, id_hash)
TTL toDateTime(appended_at) + INTERVAL 45 DAY
SETTINGS
  ttl_only_drop_parts = 1,
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Every record of the topics touchpoints and orders, one narrow row each: the second station of the ledger.';

CREATE TABLE IF NOT EXISTS {database}.ledger_entries {on_cluster} (
  boot String COMMENT 'Run of an edge process',
  kind LowCardinality(String) COMMENT 'touchpoint, order',
  source LowCardinality(String) COMMENT 'Source of the records',
  minute DateTime('UTC') COMMENT 'Minute of acceptance',
  records UInt64 COMMENT 'Records answered 2xx for so far; of several rows the highest counts',
  digest UInt64 COMMENT 'Digest of their ids, each as often as it was accepted',
  sequences Array(Tuple(first UInt64, last UInt64)) COMMENT 'Their sequences, as ranges with both ends',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree(records)
ORDER BY (kind, source, minute, boot)
TTL minute + INTERVAL 45 DAY
COMMENT 'What each run of an edge says it accepted: the first station of the ledger; read with FINAL.';

CREATE TABLE IF NOT EXISTS {database}.ledger_marks {on_cluster} (
  station LowCardinality(String) COMMENT 'accepted, topic, attributed, erp, ledger',
  part String COMMENT 'Run of an edge, topic-partition, or partition: who looked',
  looked_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Up to when its counts are complete',
  detail String COMMENT 'JSON: what else it says'
)
ENGINE = {engine_prefix}ReplacingMergeTree(looked_at)
ORDER BY (station, part)
TTL toDateTime(looked_at) + INTERVAL 45 DAY
COMMENT 'How far each station has looked, newest with FINAL.';

CREATE TABLE IF NOT EXISTS {database}.ledger_census {on_cluster} (
  partition Int32 COMMENT 'Partition whose state was counted',
  round DateTime64(3, 'UTC') COMMENT 'When the count began; only rounds that ledger_marks names are complete',
  kind LowCardinality(String) COMMENT 'touchpoint, order',
  source LowCardinality(String) COMMENT 'Source of the records',
  minute DateTime('UTC') COMMENT 'Minute of acceptance; of an order that of its newest snapshot',
  records UInt64 COMMENT 'Records the state holds',
  digest UInt64 COMMENT 'Digest of their ids',
  listed Bool COMMENT 'Whether hashes says which they are',
  hashes Array(UInt64) COMMENT 'Their hashes, where ledger_questions asked for them'
)
ENGINE = {engine_prefix}MergeTree
PARTITION BY toDate(round)
ORDER BY (partition, round, kind, source, minute)
TTL toDateTime(round) + INTERVAL 2 DAY
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'What the state of the stream processor holds, counted round by round: the third station of the ledger.';

CREATE TABLE IF NOT EXISTS {database}.ledger_questions {on_cluster} (
  kind LowCardinality(String) COMMENT 'touchpoint, order',
  source LowCardinality(String) COMMENT 'Source of the records',
  minute DateTime('UTC') COMMENT 'Minute of acceptance',
  asked_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was asked last'
)
ENGINE = {engine_prefix}ReplacingMergeTree(asked_at)
ORDER BY (kind, source, minute)
TTL toDateTime(asked_at) + INTERVAL 2 DAY
COMMENT 'Minutes of which the next census is to say which records it counts.';

CREATE TABLE IF NOT EXISTS {database}.ledger_sales {on_cluster} (
  round DateTime64(3, 'UTC') COMMENT 'When the ERP was read; only rounds that ledger_marks names are complete',
  order_key String COMMENT 'External reference of the sale: the order key',
  state LowCardinality(String) COMMENT 'drafted, held, confirmed, cancelled',
  erp_state String COMMENT 'The same in words of the ERP'
)
ENGINE = {engine_prefix}MergeTree
PARTITION BY toDate(round)
ORDER BY (round, order_key)
TTL toDateTime(round) + INTERVAL 2 DAY
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'The sales the ERP itself shows, read round by round: the fifth station of the ledger.';

CREATE TABLE IF NOT EXISTS {database}.ledger_forgotten {on_cluster} (
  kind LowCardinality(String) COMMENT 'touchpoint, order',
  source LowCardinality(String) COMMENT 'Source of the record',
  id_hash UInt64 COMMENT 'Hash of its id, as in topic_records',
  forgotten_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When a deletion on request took it away'
)
ENGINE = {engine_prefix}ReplacingMergeTree(forgotten_at)
ORDER BY (kind, source, id_hash)
TTL toDateTime(forgotten_at) + INTERVAL 45 DAY
COMMENT 'Records taken away by request: that they are missing is explained.';

CREATE TABLE IF NOT EXISTS {database}.ledger_findings {on_cluster} (
  found_at DateTime64(3, 'UTC') COMMENT 'When the ledger looked',
  kind LowCardinality(String) COMMENT 'touchpoint, order, roll_up',
  source LowCardinality(String) COMMENT 'Source of the records; the table of a roll-up',
  minute DateTime('UTC') COMMENT 'Minute of acceptance; the day of a roll-up',
  station LowCardinality(String) COMMENT 'Station that differs: topic, attributed, clickhouse, erp, roll_up',
  fault LowCardinality(String) COMMENT 'missing, stale, surplus, cancelled',
  records UInt64 COMMENT 'How many records',
  ids Array(String) COMMENT 'Some of them',
  seen_at String COMMENT 'Station that has them',
  due_at DateTime64(3, 'UTC') COMMENT 'Since when the oldest of them should have been there',
  overdue_seconds Float64 COMMENT 'How long it had been due when the station was looked at'
)
ENGINE = {engine_prefix}MergeTree
PARTITION BY toYYYYMM(found_at)
ORDER BY (found_at, kind, source, minute, station)
TTL toDateTime(found_at) + INTERVAL 45 DAY
COMMENT 'Every unexplained difference of every look; ledger_differences has those of the newest.';
