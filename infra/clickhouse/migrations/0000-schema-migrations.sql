-- Run before anything else, every time: the table the other migrations are noted in.
CREATE TABLE IF NOT EXISTS {database}.schema_migrations {on_cluster} (
  number UInt32 COMMENT 'Number in the name of the migration file',
  name String COMMENT 'Name of the migration file, without its number',
  checksum String COMMENT 'SHA-256 of the file as it was applied',
  applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied last'
)
ENGINE = {engine_prefix}ReplacingMergeTree(applied_at)
ORDER BY (number, checksum)
COMMENT 'Migrations that were applied to this database; read with FINAL';
