ALTER TABLE {database}.dead_letters {on_cluster}
  ADD COLUMN IF NOT EXISTS replay_of String DEFAULT '' COMMENT 'First letter of a record that was replayed and refused again; empty for the first itself'
  AFTER detail;

CREATE TABLE IF NOT EXISTS {database}.dead_letter_outcomes {on_cluster} (
  letter String COMMENT 'Id of the dead letter: topic:partition:offset:stage of the refused record',
  outcome LowCardinality(String) COMMENT 'replayed, dropped, superseded',
  decided_by String COMMENT 'Who decided',
  why String COMMENT 'The reason given, or the newer record that supersedes',
  decided_at DateTime64(3, 'UTC') COMMENT 'When, by the clock of whoever decided',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree
ORDER BY (letter, kafka_topic, kafka_partition, kafka_offset)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Every decision about a dead letter, one row per decision with FINAL; dead_letters_current has the last.';

-- What was buried again after it was decided about was refused once more: it is open again. Both times are Kafka's.
CREATE VIEW IF NOT EXISTS {database}.dead_letters_current {on_cluster} (
  letter String COMMENT 'Id that npm run dead-letters takes: topic:partition:offset:stage of the refused record',
  state String COMMENT 'open, replayed, dropped, superseded',
  reason String COMMENT 'Why it was refused, from one closed list: undecodable, unknown-schema, invalid, too-old, crashed, refused-by-erp',
  detail String COMMENT 'What is wrong with it',
  stage String COMMENT 'Service or stage that could not process the record',
  origin_topic String COMMENT 'Topic the record was read from',
  origin_partition Int32 COMMENT 'Partition it was read from; -1 where the dead letter does not say',
  origin_offset Int64 COMMENT 'Offset it was read at; -1 where the dead letter does not say',
  record_key String COMMENT 'Original key as text',
  replay_of String COMMENT 'First letter of a record that was replayed and refused again; empty for the first itself',
  buried_at DateTime64(3, 'UTC') COMMENT 'When it was refused last',
  decided_by String COMMENT 'Who decided last',
  why String COMMENT 'The reason given, or the newer record that supersedes',
  decided_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When'
)
AS SELECT
  concat(l.origin_topic, ':', toString(l.origin_partition), ':', toString(l.origin_offset), ':', l.stage) AS letter,
  if(o.last_at >= l.appended_at, o.last_outcome, 'open') AS state,
  l.reason, l.detail, l.stage, l.origin_topic, l.origin_partition, l.origin_offset,
  tryBase64Decode(l.record_key) AS record_key, l.replay_of,
  l.appended_at AS buried_at,
  o.last_by AS decided_by,
  o.last_why AS why,
  if(o.last_outcome != '', o.last_at, NULL) AS decided_at
FROM {database}.dead_letters AS l FINAL
LEFT JOIN (
  SELECT
    letter,
    max(appended_at) AS last_at,
    argMax(outcome, (appended_at, kafka_offset)) AS last_outcome,
    argMax(decided_by, (appended_at, kafka_offset)) AS last_by,
    argMax(why, (appended_at, kafka_offset)) AS last_why
  FROM {database}.dead_letter_outcomes FINAL
  GROUP BY letter
) AS o ON o.letter = concat(l.origin_topic, ':', toString(l.origin_partition), ':', toString(l.origin_offset), ':', l.stage)
COMMENT 'Dead letters and what became of them; those whose state is open wait for somebody';
