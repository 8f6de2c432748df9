// What an ERP says of a person goes on record without the person.
import { withoutPerson } from '../../services/erp-sink/open-buyer'

const code = 'phone:AbCdEfGhIjKlMnOpQrStUv'
const buyer = { name: '张三', phone: '+8613812345678', address: { city: '杭州', street: '文三路' } }

test('the words of an ERP keep neither name nor phone, address or code of a buyer', () => {
  const words = `party [${code}] 张三, +8613812345678, 杭州 文三路: credit limit`
  const said = withoutPerson(words, code, buyer as Parameters<typeof withoutPerson>[2])
  expect(said).toBe('party […] …, …, … …: credit limit')
})

test('nor the code of a buyer of whom nothing else is known', () => {
  expect(withoutPerson(`party ${code} is blocked`, code, undefined)).toBe('party … is blocked')
})
