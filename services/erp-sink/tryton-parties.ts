// Buyers as Tryton's parties: one per buyer code, an address and a phone for each receiver seen.
import { idOf, textOf, type TrytonRecords, type Values } from './tryton-records'
import { isRefusal, type Buyer, type Refusal } from './erp-port'

export interface Recipient {
  readonly code: string
  readonly buyer: Buyer
}

/** Where a sale's papers and goods go. */
export interface PartyIds {
  readonly party: number
  readonly address: number
  readonly contact: number | null
}

interface AddressValues {
  readonly party_name: string | null
  readonly street: string | null
  readonly city: string | null
  readonly postal_code: string | null
}

const addressFields = ['party', 'party_name', 'street', 'city', 'postal_code'] as const

/** The ids for each recipient, in order; whatever the ERP does not have yet is created. */
export async function ensureParties(
  records: TrytonRecords,
  recipients: readonly Recipient[],
): Promise<PartyIds[] | Refusal> {
  const parties = await findParties(records, recipients)
  const missing = new Map(
    recipients
      .filter(({ code }) => !parties.has(code))
      .map((recipient) => [recipient.code, recipient]),
  )
  if (missing.size > 0) {
    const created = await records.create('party.party', [...missing.values()].map(newParty))
    if (isRefusal(created)) return created
    ;[...missing.keys()].forEach((code, index) =>
      parties.set(code, idOf(created[index], 'a party')),
    )
  }
  const wanted = recipients.map(({ code, buyer }) => ({
    party: idOf(parties.get(code), 'a party'),
    address: addressOf(buyer),
    phone: buyer.phone,
  }))
  const addresses = await ensureAddresses(records, wanted)
  if (isRefusal(addresses)) return addresses
  const contacts = await ensureContacts(records, wanted)
  if (isRefusal(contacts)) return contacts
  return wanted.map(({ party, address, phone }) => ({
    party,
    address: idOf(addresses.get(addressKey(party, address)), 'address'),
    contact: contacts.get(contactKey(party, phone)) ?? null,
  }))
}

async function findParties(
  records: TrytonRecords,
  recipients: readonly Recipient[],
): Promise<Map<string, number>> {
  const codes = [...new Set(recipients.map(({ code }) => code))]
  const domain = [
    ['code', 'in', codes],
    ['active', 'in', [true, false]],
  ]
  const found = await records.search('party.party', domain, ['code'])
  return new Map(found.map(({ id, code }) => [textOf(code), idOf(id, 'party')]))
}

function newParty({ code, buyer }: Recipient): Values {
  return {
    code,
    name: buyer.name === '' ? null : buyer.name,
    addresses: [['create', [addressOf(buyer)]]],
    contact_mechanisms: buyer.phone === '' ? [] : [['create', [phoneOf(buyer.phone)]]],
  }
}

interface Wanted {
  readonly party: number
  readonly address: AddressValues
  readonly phone: string
}

async function ensureAddresses(
  records: TrytonRecords,
  wanted: readonly Wanted[],
): Promise<Map<string, number> | Refusal> {
  const distinct = new Map(
    wanted.map(({ party, address }) => [addressKey(party, address), { party, ...address }]),
  )
  const clauses = [...distinct.values()].map((values) =>
    addressFields.map((field) => [field, '=', values[field]]),
  )
  const found = await records.search('party.address', ['OR', ...clauses], addressFields)
  const ids = new Map<string, number>()
  for (const record of found) {
    const values = record as Values & AddressValues
    ids.set(addressKey(idOf(record['party'], 'party'), values), idOf(record['id'], 'address'))
  }
  const missing = [...distinct].filter(([key]) => !ids.has(key))
  if (missing.length === 0) return ids
  const created = await records.create(
    'party.address',
    missing.map(([, values]) => values),
  )
  if (isRefusal(created)) return created
  missing.forEach(([key], index) => ids.set(key, idOf(created[index], 'address')))
  return ids
}

async function ensureContacts(
  records: TrytonRecords,
  wanted: readonly Wanted[],
): Promise<Map<string, number> | Refusal> {
  const distinct = new Map(
    wanted
      .filter(({ phone }) => phone !== '')
      .map(({ party, phone }) => [contactKey(party, phone), { party, ...phoneOf(phone) }]),
  )
  if (distinct.size === 0) return new Map()
  const found = await records.search(
    'party.contact_mechanism',
    [
      ['party', 'in', [...new Set([...distinct.values()].map(({ party }) => party))]],
      // The plain form: the shown one may be grouped for reading.
      ['value_compact', 'in', [...new Set([...distinct.values()].map(({ value }) => value))]],
    ],
    ['party', 'value_compact'],
  )
  const ids = new Map(
    found.map(({ id, party, value_compact }) => [
      contactKey(idOf(party, 'party'), textOf(value_compact)),
      idOf(id, 'contact'),
    ]),
  )
  const missing = [...distinct].filter(([key]) => !ids.has(key))
  if (missing.length === 0) return ids
  const created = await records.create(
    'party.contact_mechanism',
    missing.map(([, values]) => values),
  )
  if (isRefusal(created)) return created
  missing.forEach(([key], index) => ids.set(key, idOf(created[index], 'contact')))
  return ids
}

function addressOf({ name, address }: Buyer): AddressValues {
  return {
    party_name: orNull(name),
    street: orNull(joined([address?.district, address?.street])),
    city: orNull(joined([address?.province, address?.city])),
    postal_code: orNull(address?.postal_code ?? ''),
  }
}

/** Municipalities are their own province: say them once. */
function joined(parts: readonly (string | undefined)[]): string {
  return [...new Set(parts.filter((part) => part !== undefined && part.trim() !== ''))]
    .map((part) => String(part).trim())
    .join(' ')
}

function orNull(text: string): string | null {
  return text.trim() === '' ? null : text.trim()
}

function phoneOf(phone: string): { type: string; value: string } {
  return { type: 'mobile', value: phone }
}

function addressKey(party: number, address: AddressValues): string {
  const { party_name, street, city, postal_code } = address
  return JSON.stringify([party, party_name, street, city, postal_code])
}

function contactKey(party: number, phone: string): string {
  return `${party} ${phone}`
}
