// Phone numbers as people and platforms write them, to E.164. The full numbering plans: the short ones take a
// mobile number with a digit missing for a landline, and it would name somebody else.
import {
  isSupportedCountry,
  parsePhoneNumberFromString,
  type CountryCode,
  type PhoneNumber,
} from 'libphonenumber-js/max'
import type { PhoneReading } from '../core/edge/identifiers-from'

/** Relays of the platforms: one line, an extension for each order. */
const extension = /(?:转|,|;|#|-|ext\.?|x)\s*\d{1,6}$/i

const sharedTypes: ReadonlySet<string> = new Set([
  'TOLL_FREE',
  'SHARED_COST',
  'PREMIUM_RATE',
  'UAN',
  'VOICEMAIL',
])

/** @param country of numbers written without a country code, e.g. CN */
export function createPhoneReader(country: string): (text: string) => PhoneReading {
  const parse = (text: string): PhoneNumber | undefined => {
    const number = parsePhoneNumberFromString(text, country as CountryCode)
    return number?.isValid() === true ? number : undefined
  }
  return (text) => {
    const number = parse(text)
    if (number !== undefined) {
      const shared = number.ext !== undefined || sharedTypes.has(number.getType() ?? '')
      return shared ? { refused: 'shared' } : { e164: number.number }
    }
    const relay = extension.test(text) && parse(text.replace(extension, '')) !== undefined
    return { refused: relay ? 'shared' : 'unreadable' }
  }
}

/** Whether numbers without a country code can be read as numbers of this country. */
export function isPhoneCountry(country: string): boolean {
  return isSupportedCountry(country)
}
