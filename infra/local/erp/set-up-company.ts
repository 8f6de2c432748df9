// The company an evening of live commerce sells for: currency, chart of accounts, fiscal years.
import { dateAt } from '../../../services/erp-sink/tryton-values'
import type { ErpAdmin } from './erp-admin'

export interface Company {
  readonly company: number
  readonly currency: number
  readonly revenue: number
  readonly expense: number
}

export const companyTimeZone = 'Asia/Shanghai'

/** Sets up the company and makes the administrator work for it. */
export async function setUpCompany(admin: ErpAdmin, nowMs: number): Promise<Company> {
  const currency = await admin.createOne('currency.currency', {
    name: 'Renminbi',
    code: 'CNY',
    numeric_code: '156',
    symbol: '¥',
    digits: 2,
    rounding: { __class__: 'Decimal', decimal: '0.01' },
  })
  const party = await admin.createOne('party.party', {
    name: 'Tributary Live Retail',
    addresses: [['create', [{ street: '文三路 1 号', city: '杭州', postal_code: '310000' }]]],
  })
  const company = await admin.createOne('company.company', {
    party,
    currency,
    timezone: companyTimeZone,
  })
  await admin.write('res.user', await admin.find('res.user', ['login', '=', 'admin']), {
    companies: [['add', [company]]],
    company,
  })
  await admin.renewSession()
  const { revenue, expense } = await createChart(admin, company)
  await admin.write('sale.configuration', 1, {
    sale_invoice_method: 'manual',
    sale_shipment_method: 'order',
  })
  await createFiscalYears(admin, company, dateAt(nowMs, companyTimeZone).year)
  return { company, currency, revenue, expense }
}

/** The chart of accounts is a template that only this wizard can turn into accounts. */
async function createChart(
  admin: ErpAdmin,
  company: number,
): Promise<{ revenue: number; expense: number }> {
  const template = await admin.find('account.account.template', [
    ['parent', '=', null],
    ['name', '=', 'Minimal Account Chart'],
  ])
  const wizard = await admin.openWizard('account.create_chart')
  await wizard.execute({ account: { company, account_template: template } }, 'create_account')
  const account = (kind: string): Promise<number> =>
    admin.find('account.account', [
      [`type.${kind}`, '=', true],
      ['company', '=', company],
    ])
  await wizard.execute(
    {
      properties: {
        company,
        account_receivable: await account('receivable'),
        account_payable: await account('payable'),
      },
    },
    'create_properties',
  )
  await wizard.close()
  return { revenue: await account('revenue'), expense: await account('expense') }
}

/** Last year to the year after next, a month a period: a prepared database is kept for long. */
async function createFiscalYears(admin: ErpAdmin, company: number, year: number): Promise<void> {
  const moveType = await admin.find('ir.sequence.type', ['name', '=', 'Account Move'])
  const invoiceType = await admin.find('ir.sequence.type', ['name', '=', 'Invoice'])
  for (const fiscalYear of [year - 1, year, year + 1, year + 2]) {
    const sequence = await admin.createOne('ir.sequence', {
      name: `Moves ${fiscalYear}`,
      sequence_type: moveType,
      company,
    })
    const invoices = await admin.createOne('ir.sequence.strict', {
      name: `Invoices ${fiscalYear}`,
      sequence_type: invoiceType,
      company,
    })
    await admin.createOne('account.fiscalyear', {
      name: String(fiscalYear),
      company,
      start_date: day(fiscalYear, 1, 1),
      end_date: day(fiscalYear, 12, 31),
      post_move_sequence: sequence,
      invoice_sequences: [
        [
          'create',
          [
            {
              company,
              in_invoice_sequence: invoices,
              in_credit_note_sequence: invoices,
              out_invoice_sequence: invoices,
              out_credit_note_sequence: invoices,
            },
          ],
        ],
      ],
      periods: [['create', monthsOf(fiscalYear)]],
    })
  }
}

function monthsOf(year: number): object[] {
  return Array.from({ length: 12 }, (_, index) => ({
    name: `${year}-${String(index + 1).padStart(2, '0')}`,
    start_date: day(year, index + 1, 1),
    end_date: day(year, index + 1, new Date(Date.UTC(year, index + 1, 0)).getUTCDate()),
    type: 'standard',
  }))
}

function day(year: number, month: number, date: number): object {
  return { __class__: 'date', year, month, day: date }
}
