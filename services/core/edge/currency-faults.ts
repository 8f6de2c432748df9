import type { Fault } from './notes'

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

/** What is wrong with the field `currency` of a record. */
export function currencyFaults(currency: string): Fault[] {
  return currencies.has(currency) ? [] : [{ field: 'currency', fault: 'must be an ISO 4217 code' }]
}
