-- Sums that stay exact when an order is credited anew: each version adds its credits and takes back those of
-- the version before, under the conversion time and currency that version had. One view does both, so that
-- no reader sees one without the other.
CREATE TABLE IF NOT EXISTS {database}.credit_hours {on_cluster} (
  model LowCardinality(String) COMMENT 'Attribution model',
  hour DateTime('UTC') COMMENT 'Hour of the conversion',
  platform LowCardinality(String) COMMENT 'Platform of the order',
  shop String COMMENT 'Shop of the order',
  channel LowCardinality(String) COMMENT 'Channel of the credited touchpoint; direct when there is none',
  streamer String COMMENT 'Streamer of the credited touchpoint',
  room String COMMENT 'Live session of the credited touchpoint',
  campaign String COMMENT 'Campaign of the credited touchpoint',
  currency LowCardinality(String) COMMENT 'ISO 4217 code of amount_minor',
  amount_minor Int64 COMMENT 'Credited money in minor units; sum it',
  weight_ppb Int64 COMMENT 'Credited orders in parts of 10^9; sum it and divide by 1e9',
  credits Int64 COMMENT 'Number of credits; sum it'
)
ENGINE = {engine_prefix}SummingMergeTree((amount_minor, weight_ppb, credits))
ORDER BY (model, hour, platform, shop, channel, streamer, room, campaign, currency)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Credits by hour of conversion. Exact under replacement; no FINAL, but always sum and group.';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.credit_hours_feed {on_cluster} TO {database}.credit_hours
AS SELECT
  entry.1 AS model,
  toStartOfHour(entry.7) AS hour,
  platform,
  shop,
  entry.2 AS channel,
  entry.3 AS streamer,
  entry.4 AS room,
  entry.5 AS campaign,
  entry.6 AS currency,
  entry.8 AS amount_minor,
  entry.9 AS weight_ppb,
  entry.10 AS credits
FROM (
  SELECT
    platform,
    shop,
    arrayConcat(
      arrayMap(
        credit -> (credit.model, credit.channel, credit.streamer, credit.room, credit.campaign,
          toString(currency), assumeNotNull(converted_at),
          credit.amount_minor, credit.weight_ppb, toInt64(1)),
        if(isNull(converted_at), [], credits)
      ),
      arrayMap(
        credit -> (credit.model, credit.channel, credit.streamer, credit.room, credit.campaign,
          toString(replaces_currency), assumeNotNull(replaces_converted_at),
          -credit.amount_minor, -credit.weight_ppb, toInt64(-1)),
        if(isNull(replaces_converted_at), [], replaces)
      )
    ) AS entries
  FROM {database}.attributed_orders
)
ARRAY JOIN entries AS entry
COMMENT 'Adds the credits of each version to credit_hours and takes back those of the version before';

-- For the room on air: finer, and only for two days.
CREATE TABLE IF NOT EXISTS {database}.credit_minutes {on_cluster} (
  model LowCardinality(String) COMMENT 'Attribution model',
  minute DateTime('UTC') COMMENT 'Minute of the conversion',
  platform LowCardinality(String) COMMENT 'Platform of the order',
  shop String COMMENT 'Shop of the order',
  channel LowCardinality(String) COMMENT 'Channel of the credited touchpoint; direct when there is none',
  streamer String COMMENT 'Streamer of the credited touchpoint',
  room String COMMENT 'Live session of the credited touchpoint',
  campaign String COMMENT 'Campaign of the credited touchpoint',
  currency LowCardinality(String) COMMENT 'ISO 4217 code of amount_minor',
  amount_minor Int64 COMMENT 'Credited money in minor units; sum it',
  weight_ppb Int64 COMMENT 'Credited orders in parts of 10^9; sum it and divide by 1e9',
  credits Int64 COMMENT 'Number of credits; sum it'
)
ENGINE = {engine_prefix}SummingMergeTree((amount_minor, weight_ppb, credits))
ORDER BY (model, minute, platform, shop, channel, streamer, room, campaign, currency)
TTL minute + INTERVAL 2 DAY
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Credits by minute of conversion. Exact under replacement; no FINAL, but always sum and group.';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.credit_minutes_feed {on_cluster} TO {database}.credit_minutes
AS SELECT
  entry.1 AS model,
  toStartOfMinute(entry.7) AS minute,
  platform,
  shop,
  entry.2 AS channel,
  entry.3 AS streamer,
  entry.4 AS room,
  entry.5 AS campaign,
  entry.6 AS currency,
  entry.8 AS amount_minor,
  entry.9 AS weight_ppb,
  entry.10 AS credits
FROM (
  SELECT
    platform,
    shop,
    arrayConcat(
      arrayMap(
        credit -> (credit.model, credit.channel, credit.streamer, credit.room, credit.campaign,
          toString(currency), assumeNotNull(converted_at),
          credit.amount_minor, credit.weight_ppb, toInt64(1)),
        if(isNull(converted_at), [], credits)
      ),
      arrayMap(
        credit -> (credit.model, credit.channel, credit.streamer, credit.room, credit.campaign,
          toString(replaces_currency), assumeNotNull(replaces_converted_at),
          -credit.amount_minor, -credit.weight_ppb, toInt64(-1)),
        if(isNull(replaces_converted_at), [], replaces)
      )
    ) AS entries
  FROM {database}.attributed_orders
)
ARRAY JOIN entries AS entry
COMMENT 'Adds the credits of each version to credit_minutes and takes back those of the version before';
