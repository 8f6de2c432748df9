// The ledger compares digests that services make with digests that ClickHouse makes.
import fc from 'fast-check'
import { hashId } from '../../services/core/ledger/hash-id'
import { aDatabase, connectTo } from '../support/warehouse'

test('the hash of an id is the same here and in ClickHouse, whatever the id', async () => {
  const warehouse = connectTo(aDatabase('hash'))
  const ids = fc.sample(fc.string({ unit: 'binary', maxLength: 80 }), 2_000)
  const rows = await warehouse.query<{ hash: string }>(
    `SELECT toString(bitOr(bitShiftLeft(toUInt64(xxHash32(id)), 32), toUInt64(kafkaMurmurHash(id)))) AS hash
     FROM (SELECT arrayJoin(arrayMap(one -> unhex(one), splitByChar(' ', '${ids.map((id) => Buffer.from(id).toString('hex')).join(' ')}'))) AS id)`,
  )
  await warehouse.close()
  expect(rows.map(({ hash }) => hash)).toEqual(ids.map((id) => String(hashId(id))))
})
