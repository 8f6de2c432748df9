import {
  compareMigrations,
  migrationName,
  migrationStatements,
} from '../../../services/core/warehouse/migration'

const oneServer = { database: 'tributary', cluster: '', deduplicationWindow: 100 }
const cluster = { ...oneServer, cluster: 'prod' }
const text = `-- Why this table; it has reasons.
CREATE TABLE {database}.a {on_cluster} (x Int64 COMMENT 'Said; with a semicolon')
ENGINE = {engine_prefix}MergeTree SETTINGS non_replicated_deduplication_window = {deduplication_window};

CREATE VIEW {database}.b AS SELECT 1;
`

test('a migration is its statements, filled in for one server', () => {
  expect(migrationStatements(text, oneServer)).toEqual([
    "CREATE TABLE `tributary`.a  (x Int64 COMMENT 'Said; with a semicolon')\n" +
      'ENGINE = MergeTree SETTINGS non_replicated_deduplication_window = 100',
    'CREATE VIEW `tributary`.b AS SELECT 1',
  ])
})

test('the same migration makes replicated tables on a cluster', () => {
  const [table] = migrationStatements(text, cluster)
  expect(table).toContain('`tributary`.a ON CLUSTER `prod`')
  expect(table).toContain('ENGINE = ReplicatedMergeTree')
})

test.each([
  ['0007-some-name.sql', { number: 7, name: 'some-name' }],
  ['7-some-name.sql', null],
  ['notes.md', null],
])('%s names %j', (file, name) => {
  expect(migrationName(file)).toEqual(name)
})

test('migrations are missing, changed or unknown by number and checksum', () => {
  const known = [1, 2, 3].map((number) => ({ number, name: `m${number}`, checksum: 'same' }))
  const applied = [
    { number: 1, name: 'm1', checksum: 'same' },
    { number: 2, name: 'm2', checksum: 'other' },
    { number: 9, name: 'm9', checksum: 'same' },
  ]
  const { missing, changed, unknown } = compareMigrations(known, applied)
  expect(missing.map(({ number }) => number)).toEqual([3])
  expect(changed.map(({ number }) => number)).toEqual([2])
  expect(unknown.map(({ number }) => number)).toEqual([9])
})
