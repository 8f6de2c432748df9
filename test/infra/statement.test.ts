import { readStatement } from '../../infra/local/clickhouse/statement'

test.each([
  ['SELECT 1', 'SELECT', null],
  ['select 1 format JSONEachRow', 'SELECT', 'JSONEachRow'],
  ["SELECT 'x FORMAT y' FORMAT CSV SETTINGS max_threads = 1", 'SELECT', 'CSV'],
  ['-- why\n/* FORMAT CSV */ WITH 1 AS a SELECT a', 'WITH', null],
  ['SELECT format FROM (SELECT 1 AS format)', 'SELECT', 'FROM'],
  ['CREATE TABLE t (format String) ENGINE = Memory', 'CREATE', null],
  ['  ', '', null],
])('%s asks for a format only where it says so', (text, verb, format) => {
  // A column named `format` is taken for the clause; the engine then names the wrong format, nothing else happens.
  expect(readStatement(text)).toMatchObject({ verb, format, dataAt: null, secondAt: null })
})

test.each([
  ['INSERT INTO t FORMAT CSV\n1;2', '1;2'],
  ['INSERT INTO t (a, b) SETTINGS x = 1 FORMAT JSONEachRow {"a":1}', '{"a":1}'],
  ['insert into t format RowBinary\n\n;', '\n;'],
  ['INSERT INTO t FORMAT RowBinary', ''],
  ["INSERT INTO t SELECT * FROM input('a Int8') FORMAT CSV\n7", '7'],
  ['INSERT INTO t VALUES', ''],
])('the data of %s begins after the format and one line end', (text, data) => {
  const { dataAt } = readStatement(text)
  expect(dataAt === null ? null : text.slice(dataAt)).toBe(data)
})

test.each([
  ["INSERT INTO t VALUES (1, 'a;b')"],
  ['INSERT INTO t SELECT 1 FORMAT CSV'],
  ['INSERT INTO t (a) SELECT b FROM c'],
])('%s brings no data of its own', (text) => {
  expect(readStatement(text)).toMatchObject({ dataAt: null, secondAt: null })
})

test.each([
  ['SELECT 1; SELECT 2', 10],
  ["SELECT ';' -- ; \n; /* ; */ DROP TABLE t", 27],
  ['INSERT INTO t VALUES (1); DROP TABLE t', 26],
])('%s is more than one statement', (text, secondAt) => {
  expect(readStatement(text).secondAt).toBe(secondAt)
})

test.each([
  ['SELECT 1;'],
  ["SELECT 'it''s \\' ; here'"],
  ['SELECT `a;b`, "c;d", $tag$ ; $tag$ ;; -- done; really'],
])('%s is one statement', (text) => {
  expect(readStatement(text).secondAt).toBeNull()
})

test('a megabyte in quotes is read without exhausting the stack', () => {
  const text = `INSERT INTO t VALUES ('${"it''s \\' ".repeat(200_000)}')`
  expect(readStatement(text)).toMatchObject({ verb: 'INSERT', secondAt: null })
})
