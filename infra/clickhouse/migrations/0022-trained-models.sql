-- Which version of each data-driven model credited an order. A model that had not been trained by then has no entry, and no
-- credits: it is missing from sums, never nought in them.
ALTER TABLE {database}.attributed_orders {on_cluster}
  ADD COLUMN IF NOT EXISTS trained Map(String, String) DEFAULT map() COMMENT 'Version by which each data-driven model credited the order; a model that was not trained when it converted is missing, and has no credits'
  AFTER settings;

ALTER TABLE {database}.orders {on_cluster}
  ADD COLUMN IF NOT EXISTS trained Map(String, String) DEFAULT map() COMMENT 'Version by which each data-driven model credited the order; a model that was not trained when it converted is missing, and has no credits'
  AFTER settings;

ALTER TABLE {database}.orders_feed {on_cluster} MODIFY QUERY
SELECT * EXCEPT (replaces, replaces_version, replaces_converted_at, replaces_currency)
FROM {database}.attributed_orders;

ALTER TABLE {database}.attributed_orders {on_cluster} COMMENT COLUMN cause
  'What made this version: snapshot, touch, merge, settings, trained, forget';

ALTER TABLE {database}.orders {on_cluster} COMMENT COLUMN cause
  'What made this version: snapshot, touch, merge, settings, trained, forget';

CREATE TABLE IF NOT EXISTS {database}.trained_models {on_cluster} (
  model LowCardinality(String) COMMENT 'markov, shapley',
  version String COMMENT 'When it was trained and a digest of what it says; orders name it',
  valid_from DateTime64(3, 'UTC') COMMENT 'It credits orders that converted from then on, until a later one does',
  trained_at DateTime64(3, 'UTC') COMMENT 'When it was trained, by the clock of the trainer',
  window_from DateTime64(3, 'UTC') COMMENT 'Journeys that ended from then on',
  window_to DateTime64(3, 'UTC') COMMENT 'until before then were looked at',
  timeout_ms Int64 COMMENT 'After so many milliseconds without a touch a journey has ended without an order',
  channels_max Int64 COMMENT 'Of more channels than this the rarest were counted as other',
  channels_folded Int64 COMMENT 'How many were',
  journeys Int64 COMMENT 'Journeys looked at: the sample',
  conversions Int64 COMMENT 'Of these, that ended in an order',
  conversion_ppb Int64 COMMENT 'In parts of 10^9, markov: the probability of an order in the chain; shapley: the share of journeys that ended in one',
  effects Array(Tuple(channel String, journeys Int64, conversions Int64, effect_ppb Int64, weight_ppb Int64)) COMMENT 'What it says of each channel; see removal_effects',
  transitions Array(Tuple(from_state String, to_state String, times Int64)) COMMENT 'How often journeys went from one to the next; see transition_matrix',
  unseen_ppb Int64 COMMENT 'What a channel weighs that none of the journeys held, in parts of 10^9',
  kafka_topic LowCardinality(String) COMMENT 'Kafka topic the row was read from',
  kafka_partition Int32 COMMENT 'Partition it was read from',
  kafka_offset Int64 COMMENT 'Offset it was read at',
  appended_at DateTime64(3, 'UTC') COMMENT 'When Kafka took the record',
  written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written here'
)
ENGINE = {engine_prefix}ReplacingMergeTree
ORDER BY (model, valid_from, version)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Every training of every data-driven model, one row per version with FINAL: what it was computed from and what it says. Never replaced by a later one.';

-- Every model there is has a row, so that one that has not been trained says so.
CREATE OR REPLACE VIEW {database}.trained_models_current {on_cluster} (
  model String COMMENT 'markov, shapley',
  state String COMMENT 'trained, or not trained: no order has credits under it yet',
  version String COMMENT 'Version that credits orders now; empty while none does',
  valid_from Nullable(DateTime64(3, 'UTC')) COMMENT 'Since when',
  trained_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was trained',
  window_from Nullable(DateTime64(3, 'UTC')) COMMENT 'Journeys that ended from then on',
  window_to Nullable(DateTime64(3, 'UTC')) COMMENT 'until before then were looked at',
  timeout_ms Nullable(Int64) COMMENT 'After so many milliseconds without a touch a journey had ended without an order',
  journeys Nullable(Int64) COMMENT 'Journeys looked at: the sample',
  conversions Nullable(Int64) COMMENT 'Of these, that ended in an order',
  conversion_rate Nullable(Float64) COMMENT 'markov: the probability of an order in the chain; shapley: the share of journeys that ended in one',
  channels Nullable(Int64) COMMENT 'Channels it tells apart',
  channels_folded Nullable(Int64) COMMENT 'Rare ones that were counted as other',
  comes_into_force Nullable(DateTime64(3, 'UTC')) COMMENT 'When a version that is there already takes its place; null where none does'
)
AS SELECT
  kinds.model AS model,
  if(applied.version = '', 'not trained', 'trained') AS state,
  applied.version AS version,
  if(applied.version = '', NULL, applied.valid_from) AS valid_from,
  if(applied.version = '', NULL, applied.trained_at) AS trained_at,
  if(applied.version = '', NULL, applied.window_from) AS window_from,
  if(applied.version = '', NULL, applied.window_to) AS window_to,
  if(applied.version = '', NULL, applied.timeout_ms) AS timeout_ms,
  if(applied.version = '', NULL, applied.journeys) AS journeys,
  if(applied.version = '', NULL, applied.conversions) AS conversions,
  if(applied.version = '', NULL, applied.conversion_ppb / 1e9) AS conversion_rate,
  if(applied.version = '', NULL, toInt64(length(applied.effects))) AS channels,
  if(applied.version = '', NULL, applied.channels_folded) AS channels_folded,
  if(later.next = toDateTime64(0, 3, 'UTC'), NULL, later.next) AS comes_into_force
FROM (SELECT arrayJoin(['markov', 'shapley']) AS model) AS kinds
LEFT JOIN (
  SELECT * FROM {database}.trained_models FINAL
  WHERE valid_from <= now64(3)
  ORDER BY model, valid_from DESC, version DESC
  LIMIT 1 BY model
) AS applied ON applied.model = kinds.model
LEFT JOIN (
  SELECT model, min(valid_from) AS next FROM {database}.trained_models FINAL
  WHERE valid_from > now64(3) GROUP BY model
) AS later ON later.model = kinds.model
COMMENT 'One row per data-driven model: the version that credits orders converting now, or that it is not trained';

CREATE OR REPLACE VIEW {database}.removal_effects {on_cluster} (
  model String COMMENT 'markov, shapley',
  version String COMMENT 'Version that says so',
  valid_from DateTime64(3, 'UTC') COMMENT 'From when that version credits orders',
  channel String COMMENT 'Channel; other for all that were too rare, direct where no touch counted',
  journeys Int64 COMMENT 'Journeys that held the channel',
  conversions Int64 COMMENT 'Of these, that ended in an order',
  effect Float64 COMMENT 'markov: the share of orders that would not be without the channel; shapley: its share of the orders, each split evenly over its different channels',
  weight Float64 COMMENT 'The effects made to sum to 1: what orders are credited by, within the channels they touched'
)
AS SELECT
  model, version, valid_from, effect.channel AS channel, effect.journeys AS journeys,
  effect.conversions AS conversions, effect.effect_ppb / 1e9 AS effect, effect.weight_ppb / 1e9 AS weight
FROM {database}.trained_models FINAL
ARRAY JOIN effects AS effect
COMMENT 'One row per version of a data-driven model and channel';

CREATE OR REPLACE VIEW {database}.removal_effects_current {on_cluster} (
  model String COMMENT 'markov, shapley',
  version String COMMENT 'Version that credits orders now',
  valid_from DateTime64(3, 'UTC') COMMENT 'Since when',
  channel String COMMENT 'Channel; other for all that were too rare, direct where no touch counted',
  journeys Int64 COMMENT 'Journeys that held the channel',
  conversions Int64 COMMENT 'Of these, that ended in an order',
  effect Float64 COMMENT 'markov: the share of orders that would not be without the channel; shapley: its share of the orders, each split evenly over its different channels',
  weight Float64 COMMENT 'The effects made to sum to 1: what orders are credited by, within the channels they touched'
)
AS SELECT model, version, valid_from, channel, journeys, conversions, effect, weight
FROM {database}.removal_effects
WHERE version IN (SELECT version FROM {database}.trained_models_current)
COMMENT 'One row per data-driven model and channel, as orders that convert now are credited';

CREATE OR REPLACE VIEW {database}.transition_matrix {on_cluster} (
  model String COMMENT 'markov: shapley does not look at order',
  version String COMMENT 'Version it belongs to',
  valid_from DateTime64(3, 'UTC') COMMENT 'From when that version credits orders',
  from_state String COMMENT 'A channel, or (start)',
  to_state String COMMENT 'Another channel, or how the journey ended: (conversion), (none)',
  times Int64 COMMENT 'How often journeys went this way; a channel that is touched twice in a row is touched once',
  probability Float64 COMMENT 'Of all ways from there, the share that went this one; they sum to 1'
)
AS SELECT
  model, version, valid_from, from_state, to_state, times,
  times / sum(times) OVER (PARTITION BY model, version, from_state) AS probability
FROM (
  SELECT
    model, version, valid_from, step.from_state AS from_state, step.to_state AS to_state, step.times AS times
  FROM {database}.trained_models FINAL
  ARRAY JOIN transitions AS step
)
COMMENT 'One row per version of the Markov model and pair of states that followed one another';

CREATE OR REPLACE VIEW {database}.transition_matrix_current {on_cluster} (
  model String COMMENT 'markov: shapley does not look at order',
  version String COMMENT 'Version that credits orders now',
  valid_from DateTime64(3, 'UTC') COMMENT 'Since when',
  from_state String COMMENT 'A channel, or (start)',
  to_state String COMMENT 'Another channel, or how the journey ended: (conversion), (none)',
  times Int64 COMMENT 'How often journeys went this way; a channel that is touched twice in a row is touched once',
  probability Float64 COMMENT 'Of all ways from there, the share that went this one; they sum to 1'
)
AS SELECT model, version, valid_from, from_state, to_state, times, probability
FROM {database}.transition_matrix
WHERE version IN (SELECT version FROM {database}.trained_models_current)
COMMENT 'One row per pair of states that followed one another, of the Markov model that credits orders converting now';
