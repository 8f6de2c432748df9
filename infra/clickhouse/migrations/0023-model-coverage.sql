-- A data-driven model credits no order that converted before it was trained. How many those are, before anybody compares sums.
CREATE OR REPLACE VIEW {database}.model_coverage {on_cluster} (
  model String COMMENT 'markov, shapley',
  state String COMMENT 'not trained: credits nothing yet; in part: some orders converted before it was trained; trained: credits every order',
  orders_credited UInt64 COMMENT 'Orders that converted and have credits under it',
  orders_not_credited UInt64 COMMENT 'Orders that converted and have none',
  net_minor_credited Int64 COMMENT 'Paid less refunded of the first, over all currencies, in minor units: what its credits sum to',
  net_minor_not_credited Int64 COMMENT 'Paid less refunded of the others, over all currencies, in minor units',
  first_credited_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Conversion of the earliest order it credits'
)
AS SELECT
  model,
  multiIf(orders_credited = 0, 'not trained', orders_not_credited > 0, 'in part', 'trained') AS state,
  countIf(is_credited) AS orders_credited,
  countIf(order_key != '' AND NOT is_credited) AS orders_not_credited,
  sumIf(net_minor, is_credited) AS net_minor_credited,
  sumIf(net_minor, order_key != '' AND NOT is_credited) AS net_minor_not_credited,
  minIf(converted_at, is_credited) AS first_credited_at
FROM (
  SELECT kinds.model AS model, order_key, net_minor, converted_at, mapContains(trained, kinds.model) AS is_credited
  FROM (SELECT arrayJoin(['markov', 'shapley']) AS model) AS kinds
  LEFT JOIN (
    SELECT order_key, net_minor, converted_at, trained, 1 AS one
    FROM {database}.orders FINAL WHERE converted_at IS NOT NULL
  ) AS converted ON converted.one = length(kinds.model) - length(kinds.model) + 1
)
GROUP BY model
COMMENT 'One row per data-driven model, by its default name: how much of what was sold it credits';
