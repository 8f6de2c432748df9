// An ERP that is not called any more once a partition was taken away: its next owner may be calling.
import { DependencyError } from '../runtime/errors'
import type { ErpPort } from './erp-port'

export function guardErp(erp: ErpPort, mine: () => boolean): ErpPort {
  const checked =
    <Arguments extends unknown[], Result>(call: (...given: Arguments) => Promise<Result>) =>
    (...given: Arguments): Promise<Result> =>
      mine()
        ? call(...given)
        : Promise.reject(new DependencyError('erp', 'the partition was taken away'))
  return {
    check: checked(() => erp.check()),
    findSales: checked((references) => erp.findSales(references)),
    saleStates: checked((references) => erp.saleStates(references)),
    draftSales: checked((sales) => erp.draftSales(sales)),
    draftCorrections: checked((corrections) => erp.draftCorrections(corrections)),
    confirm: checked((ids) => erp.confirm(ids)),
    cancel: checked((ids) => erp.cancel(ids)),
    withdraw: checked((id) => erp.withdraw(id)),
    amend: checked((sale, source) => erp.amend(sale, source)),
    unknownSkus: checked((skus) => erp.unknownSkus(skus)),
    bookDelta: checked((delta) => erp.bookDelta(delta)),
    stockPage: checked((after, productsMax) => erp.stockPage(after, productsMax)),
    close: () => erp.close(),
  }
}
