// An ERP multiplies a unit price of four decimals by a quantity and rounds to the fen; an order states what
// was paid for a whole line. These find the price and say what the ERP will make of it.

const perMinor = 100

/** The unit price, in 10^-4 of the currency's unit, at which `quantity` pieces cost about `amountMinor` (10^-2). */
export function unitPriceE4(amountMinor: number, quantity: number): number {
  return Math.round((amountMinor * perMinor) / quantity)
}

/** What the ERP makes of it: half a fen goes to the even neighbour. */
export function lineAmountMinor(priceE4: number, quantity: number): number {
  const exact = priceE4 * quantity
  const floor = Math.floor(exact / perMinor)
  const rest = exact - floor * perMinor
  if (rest * 2 !== perMinor) return rest * 2 > perMinor ? floor + 1 : floor
  return floor % 2 === 0 ? floor : floor + 1
}
