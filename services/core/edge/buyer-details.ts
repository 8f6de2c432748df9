// What travels sealed from the gateway to the ERP: whom the goods go to.
import type { Address, Contact } from './order-message'

export interface BuyerDetails {
  readonly name: string
  readonly phone: string
  readonly address: Address | null
}

/** The receiver's details, the buyer's where the receiver's are silent; null when nothing is known. */
export function buyerDetails(buyer: Contact | null, receiver: Contact | null): BuyerDetails | null {
  const details = {
    name: receiver?.name || buyer?.name || '',
    phone: receiver?.phone || buyer?.phone || '',
    address: receiver?.address ?? buyer?.address ?? null,
  }
  return details.name === '' && details.phone === '' && details.address === null ? null : details
}
