-- For questions over months: without room and campaign, which make nearly as many sums as there are credits. Fed from
-- credit_hours, so that what brings those back brings these back too.
CREATE TABLE IF NOT EXISTS {database}.credit_days {on_cluster} (
  model LowCardinality(String) COMMENT 'Attribution model',
  day Date COMMENT 'Day of the conversion, in UTC',
  platform LowCardinality(String) COMMENT 'Platform of the order',
  shop String COMMENT 'Shop of the order',
  channel LowCardinality(String) COMMENT 'Channel of the credited touchpoint; direct when there is none',
  streamer String COMMENT 'Streamer of the credited touchpoint',
  currency LowCardinality(String) COMMENT 'ISO 4217 code of amount_minor',
  amount_minor Int64 COMMENT 'Credited money in minor units; sum it',
  weight_ppb Int64 COMMENT 'Credited orders in parts of 10^9; sum it and divide by 1e9',
  credits Int64 COMMENT 'Number of credits; sum it'
)
ENGINE = {engine_prefix}SummingMergeTree((amount_minor, weight_ppb, credits))
ORDER BY (model, day, platform, shop, channel, streamer, currency)
SETTINGS
  non_replicated_deduplication_window = {deduplication_window},
  replicated_deduplication_window = {deduplication_window}
COMMENT 'Credits by day of conversion, channel and streamer. Exact under replacement; no FINAL, but always sum and group.';

-- What was there before; what is written while this runs the ledger finds to have drifted, and `ledger -- --rebuild` mends.
INSERT INTO {database}.credit_days
SELECT model, toDate(hour), platform, shop, channel, streamer, currency, sum(amount_minor), sum(weight_ppb), sum(credits)
FROM {database}.credit_hours
GROUP BY model, toDate(hour), platform, shop, channel, streamer, currency
SETTINGS insert_deduplication_token = 'credit-days-of-before';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.credit_days_feed {on_cluster} TO {database}.credit_days
AS SELECT
  model, toDate(hour) AS day, platform, shop, channel, streamer, currency,
  sum(amount_minor) AS amount_minor, sum(weight_ppb) AS weight_ppb, sum(credits) AS credits
FROM {database}.credit_hours
GROUP BY model, day, platform, shop, channel, streamer, currency
COMMENT 'Adds to credit_days what comes into credit_hours';

CREATE OR REPLACE VIEW {database}.roll_up_residues {on_cluster} (
  roll_up String COMMENT 'credit_hours, credit_minutes, credit_days',
  bucket DateTime('UTC') COMMENT 'Hour, minute or day of the conversion',
  model String COMMENT 'Attribution model',
  platform String COMMENT 'Platform of the order',
  shop String COMMENT 'Shop of the order',
  channel String COMMENT 'Channel of the credited touchpoint',
  streamer String COMMENT 'Streamer of the credited touchpoint',
  room String COMMENT 'Live session of the credited touchpoint; empty in credit_days',
  campaign String COMMENT 'Campaign of the credited touchpoint; empty in credit_days',
  currency String COMMENT 'ISO 4217 code of amount_minor',
  amount_minor Int64 COMMENT 'Money the roll-up has too much, in minor units',
  weight_ppb Int64 COMMENT 'Credited orders it has too much, in parts of 10^9',
  credits Int64 COMMENT 'Credits it has too much'
)
AS SELECT
  roll_up, bucket, model, platform, shop, channel, streamer, room, campaign, currency,
  sum(amount) AS amount_minor, sum(weight) AS weight_ppb, sum(number) AS credits
FROM (
  SELECT
    'credit_hours' AS roll_up, hour AS bucket, model, platform, shop, channel, streamer, room, campaign, currency,
    amount_minor AS amount, weight_ppb AS weight, credits AS number
  FROM {database}.credit_hours
  UNION ALL
  SELECT
    'credit_minutes', minute, model, platform, shop, channel, streamer, room, campaign, currency,
    amount_minor, weight_ppb, credits
  FROM {database}.credit_minutes
  WHERE minute > now('UTC') - INTERVAL 47 HOUR
  UNION ALL
  SELECT
    'credit_days', toDateTime(day, 'UTC'), model, platform, shop, channel, streamer, '', '', currency,
    amount_minor, weight_ppb, credits
  FROM {database}.credit_days
  UNION ALL
  SELECT
    roll_up,
    multiIf(
      roll_up = 'credit_hours', toStartOfHour(converted),
      roll_up = 'credit_minutes', toStartOfMinute(converted),
      toStartOfDay(converted)
    ),
    credit.model, platform, shop, credit.channel, credit.streamer,
    if(roll_up = 'credit_days', '', credit.room), if(roll_up = 'credit_days', '', credit.campaign), currency,
    -credit.amount_minor, -credit.weight_ppb, -1
  FROM (
    SELECT platform, shop, currency, credits, toDateTime(assumeNotNull(converted_at)) AS converted
    FROM {database}.orders FINAL
    WHERE converted_at IS NOT NULL
  )
  ARRAY JOIN credits AS credit
  ARRAY JOIN ['credit_hours', 'credit_minutes', 'credit_days'] AS roll_up
  WHERE roll_up != 'credit_minutes' OR toStartOfMinute(converted) > now('UTC') - INTERVAL 47 HOUR
)
GROUP BY roll_up, bucket, model, platform, shop, channel, streamer, room, campaign, currency
HAVING amount_minor != 0 OR weight_ppb != 0 OR credits != 0
COMMENT 'What the roll-ups have too much, compared with the orders as they stand now; empty when they are right';
