-- The orders of one person: with one stretch of the table in forty read for nothing, ten million orders took longer than a
-- person waits. One in two thousand takes twice the index, two bytes an order.
ALTER TABLE {database}.orders {on_cluster} DROP INDEX IF EXISTS person_index;

ALTER TABLE {database}.orders {on_cluster} ADD INDEX IF NOT EXISTS person_index person TYPE bloom_filter(0.0005) GRANULARITY 1;

ALTER TABLE {database}.orders {on_cluster} MATERIALIZE INDEX person_index
