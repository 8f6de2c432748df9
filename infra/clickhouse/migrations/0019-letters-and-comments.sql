-- A letter that the topic no longer holds cannot be replayed: it waits for nobody any more.
-- What was buried again after it was decided about was refused once more: it is open again. Both times are Kafka's.
CREATE OR REPLACE VIEW {database}.dead_letters_current {on_cluster} (
  letter String COMMENT 'Id that npm run dead-letters takes: topic:partition:offset:stage of the refused record',
  state String COMMENT 'open, replayed, dropped, superseded; expired where nobody decided in the 90 days that the topic keeps letters',
  reason String COMMENT 'Why it was refused, from one closed list: undecodable, unknown-schema, invalid, too-old, crashed, refused-by-erp',
  detail String COMMENT 'What is wrong with it',
  stage String COMMENT 'Service or stage that could not process the record',
  origin_topic String COMMENT 'Topic the record was read from',
  origin_partition Int32 COMMENT 'Partition it was read from; -1 where the dead letter does not say',
  origin_offset Int64 COMMENT 'Offset it was read at; -1 where the dead letter does not say',
  record_key String COMMENT 'Original key as text',
  replay_of String COMMENT 'First letter of a record that was replayed and refused again; empty for the first itself',
  buried_at DateTime64(3, 'UTC') COMMENT 'When it was refused last',
  buried_offset Int64 COMMENT 'Where it stands on the topic of dead letters since then',
  decided_by String COMMENT 'Who decided last',
  why String COMMENT 'The reason given, or the newer record that supersedes',
  decided_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When'
)
AS SELECT
  concat(l.origin_topic, ':', toString(l.origin_partition), ':', toString(l.origin_offset), ':', l.stage) AS letter,
  multiIf(
    o.last_at >= l.appended_at, o.last_outcome,
    l.appended_at < now64(3) - INTERVAL 90 DAY, 'expired',
    'open'
  ) AS state,
  l.reason, l.detail, l.stage, l.origin_topic, l.origin_partition, l.origin_offset,
  tryBase64Decode(l.record_key) AS record_key, l.replay_of,
  l.appended_at AS buried_at, l.kafka_offset AS buried_offset,
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

CREATE OR REPLACE VIEW {database}.erp_deliveries_current {on_cluster} (
  document_key String COMMENT 'Order key, or delta:<partition>:<warehouse>',
  kind String COMMENT 'order, delta, owner (who delivers for a partition)',
  order_key String COMMENT 'Order the document is about; empty for a delta',
  outcome String COMMENT 'planned, delivered, refused, owned, released',
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

-- What columns may hold, as it has become.
ALTER TABLE {database}.erp_deliveries {on_cluster} COMMENT COLUMN kind 'order, delta, owner (who delivers for a partition)';

ALTER TABLE {database}.erp_deliveries {on_cluster} COMMENT COLUMN outcome 'planned, delivered, refused, owned, released';

ALTER TABLE {database}.dead_letters {on_cluster} COMMENT COLUMN reason
  'Why, from one closed list: undecodable, unknown-schema, invalid, too-old, crashed, refused-by-erp';

ALTER TABLE {database}.ledger_findings {on_cluster} COMMENT COLUMN fault
  'missing, stale, surplus, removed, cancelled, drifted';

ALTER TABLE {database}.topic_records {on_cluster} COMMENT COLUMN source
  'Source of the record; empty for one that cannot be decoded, and for an offset that holds none (marks of transactions, what aborted ones wrote)';
