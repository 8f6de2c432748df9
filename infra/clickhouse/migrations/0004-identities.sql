CREATE TABLE IF NOT EXISTS {database}.identities {on_cluster} (
  identifier String COMMENT 'Keyed hash: kind:hash or kind:scope:hash',
  version Int64 COMMENT 'Of rows with one identifier the highest version counts',
  kind LowCardinality(String) COMMENT 'Kind of the identifier: code, phone, unionid, openid, user, device, visitor',
  person String COMMENT 'Smallest identifier of the person; a hub or contested identifier stands for itself',
  state LowCardinality(String) COMMENT 'member, contested, hub',
  evidence Array(Tuple(identifiers Array(String), source String, id String, at DateTime64(3, 'UTC'))) COMMENT 'Sets of identifiers it was seen in, each with the earliest record that showed it; at most 20',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here',
  INDEX person_index person TYPE bloom_filter GRANULARITY 1
)
ENGINE = {engine_prefix}ReplacingMergeTree(version)
ORDER BY identifier
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Which person each identifier belongs to, newest version with FINAL; identities_current has it built in.';
