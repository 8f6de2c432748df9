// The user the sink works as: of what Tryton closes it may do what the sink does. Parties and sources are open to
// every user of Tryton.
import type { ErpAdmin } from './erp-admin'

export const sinkUser = 'tributary-sink'

interface Right {
  readonly model: string
  readonly read: boolean
  readonly write: boolean
  readonly create: boolean
}

/**
 * Models Tryton closes to everybody who has no right by name. Deleting is never one. What a button does on the
 * server (a confirmed sale makes its shipments) needs no right of its own.
 */
const rights: readonly Right[] = [
  { model: 'sale.sale', read: true, write: true, create: true },
  { model: 'stock.shipment.out', read: true, write: true, create: false },
  { model: 'stock.shipment.out.return', read: true, write: false, create: false },
  { model: 'stock.shipment.internal', read: true, write: true, create: true },
  { model: 'stock.move', read: true, write: true, create: true },
]

/** Buttons that are closed likewise. */
const buttons = [
  // A delta is booked whatever the ERP believes to be on the shelf: the goods are promised already.
  ['stock.shipment.internal', 'assign_force'],
  // For a sale that a crash of the ERP left confirmed without a shipment.
  ['sale.sale', 'process'],
] as const

export async function setUpSinkUser(
  admin: ErpAdmin,
  user: { readonly password: string; readonly company: number },
): Promise<void> {
  const group = await admin.createOne('res.group', { name: 'Tributary sink' })
  for (const { model, read, write, create } of rights) {
    await admin.createOne('ir.model.access', {
      model: await admin.find('ir.model', ['model', '=', model]),
      group,
      perm_read: read,
      perm_write: write,
      perm_create: create,
      perm_delete: false,
    })
  }
  for (const [model, name] of buttons) {
    const button = await admin.find('ir.model.button', [
      ['model.model', '=', model],
      ['name', '=', name],
    ])
    await admin.write('ir.model.button', button, { groups: [['add', [group]]] })
  }
  await admin.createOne('res.user', {
    name: 'Tributary ERP sink',
    login: sinkUser,
    password: user.password,
    language: await admin.find('ir.lang', ['code', '=', 'en']),
    companies: [['add', [user.company]]],
    company: user.company,
    groups: [['add', [group]]],
  })
}
