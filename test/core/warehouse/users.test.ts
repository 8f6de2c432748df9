import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { userStatements, warehouseRoles } from '../../../services/core/warehouse/users'

const text = readFileSync(join(__dirname, '../../../infra/clickhouse/users.sql'), 'utf8')
const oneServer = { database: 'shop', cluster: '', deduplicationWindow: 100 }

test('every role is made and given exactly its rights, in one statement each', () => {
  const statements = userStatements(text, oneServer, {})
  expect(statements).toHaveLength(2 * warehouseRoles.length)
  for (const role of warehouseRoles) {
    const grants = statements.filter((sql) => sql.includes(`TO \`shop_${role}_role\``))
    expect(grants).toHaveLength(1)
    expect(grants[0]).toMatch(/WITH REPLACE OPTION$/)
  }
  expect(statements.join()).not.toMatch(/\{|ON CLUSTER/)
})

test('a role whose password is given has a user, known by the digest of the password only', () => {
  const statements = userStatements(text, oneServer, { writer: 'abc' })
  expect(statements.slice(-3)).toEqual([
    "CREATE USER IF NOT EXISTS `shop_writer` IDENTIFIED WITH sha256_hash BY 'abc'",
    'GRANT `shop_writer_role` TO `shop_writer` WITH REPLACE OPTION',
    "ALTER USER `shop_writer` IDENTIFIED WITH sha256_hash BY 'abc' DEFAULT ROLE `shop_writer_role`",
  ])
})

test('on a cluster every statement is for the whole cluster', () => {
  const statements = userStatements(text, { ...oneServer, cluster: 'prod' }, { reader: 'abc' })
  expect(statements.filter((sql) => !sql.includes('ON CLUSTER `prod`'))).toEqual([])
})

test('nobody but the owner may change or remove what is there', () => {
  const grants = userStatements(text, oneServer, {}).filter((sql) => sql.startsWith('GRANT'))
  const changing = grants.filter((sql) => /ALTER|DROP|TRUNCATE|DELETE|UPDATE|CREATE|ALL/.test(sql))
  expect(changing.map((sql) => /TO (\S+)/.exec(sql)?.[1])).toEqual(['`shop_owner_role`'])
})
