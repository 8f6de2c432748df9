// Reading and writing Tryton's records by name: the thin layer between the wire and what it means.
import { DependencyError } from '../runtime/errors'
import type { Refusal } from './erp-port'
import type { TrytonRpc } from './tryton-rpc'

export type Values = Readonly<Record<string, unknown>>
export type Domain = readonly unknown[]

/** Both constraints the ERP enforces on external references are worded like this; it has no error codes. */
const duplicateWords = 'must be unique'

export class TrytonRecords {
  private readonly rpc: TrytonRpc

  constructor(rpc: TrytonRpc) {
    this.rpc = rpc
  }

  /** All records of a domain. */
  async search(model: string, domain: Domain, fields: readonly string[]): Promise<Values[]> {
    const params = [domain, 0, null, [['id', 'ASC']], fields]
    return (await this.rpc.ask(`model.${model}.search_read`, params)) as Values[]
  }

  /** The records of a domain whose ids are above `after`, at most `limit`, by id. */
  async page(
    model: string,
    fields: readonly string[],
    {
      domain,
      after,
      limit,
    }: { readonly domain: Domain; readonly after: number; readonly limit: number },
  ): Promise<Values[]> {
    const beyond = [...domain, ['id', '>', after]]
    const params = [beyond, 0, limit, [['id', 'ASC']], fields]
    return (await this.rpc.ask(`model.${model}.search_read`, params)) as Values[]
  }

  /** Reads what depends on where one looks, which Tryton takes from the context. */
  async readIn(
    context: Values,
    model: string,
    { ids, fields }: { readonly ids: readonly number[]; readonly fields: readonly string[] },
  ): Promise<Values[]> {
    return (await this.rpc.ask(`model.${model}.read`, [ids, fields], context)) as Values[]
  }

  async read(model: string, ids: readonly number[], fields: readonly string[]): Promise<Values[]> {
    return (await this.rpc.ask(`model.${model}.read`, [ids, fields])) as Values[]
  }

  /** Creates all or none; gives the ids in order. */
  async create(model: string, values: readonly Values[]): Promise<readonly number[] | Refusal> {
    const answer = await this.rpc.call(`model.${model}.create`, [values])
    return 'refused' in answer ? refusal(answer.refused) : (answer.result as number[])
  }

  async write(model: string, ids: readonly number[], values: Values): Promise<Refusal | null> {
    return this.done(`model.${model}.write`, [ids, values])
  }

  /** A button pressed in the wrong state does nothing and says nothing: read the state afterwards. */
  async press(model: string, button: string, ids: readonly number[]): Promise<Refusal | null> {
    return ids.length === 0 ? null : this.done(`model.${model}.${button}`, [ids])
  }

  /** Runs a wizard of one form on one record. `fill` turns the form's defaults into what is entered. */
  async runWizard(
    name: string,
    on: { readonly model: string; readonly id: number },
    steps: {
      readonly form: string
      readonly next: string
      readonly fill: (defaults: Values) => Values
    },
  ): Promise<Refusal | null> {
    const context = { active_model: on.model, active_id: on.id, active_ids: [on.id] }
    const [session] = (await this.rpc.ask(`wizard.${name}.create`, [])) as [number]
    const shown = await this.rpc.ask(`wizard.${name}.execute`, [session, {}, steps.form], context)
    const { view } = shown as { view?: { defaults?: Values } }
    const entered = { [steps.form]: steps.fill(view?.defaults ?? {}) }
    const answer = await this.rpc.call(
      `wizard.${name}.execute`,
      [session, entered, steps.next],
      context,
    )
    await this.rpc.ask(`wizard.${name}.delete`, [session])
    return 'refused' in answer ? refusal(answer.refused) : null
  }

  private async done(method: string, params: readonly unknown[]): Promise<Refusal | null> {
    const answer = await this.rpc.call(method, params)
    return 'refused' in answer ? refusal(answer.refused) : null
  }
}

export function refusal(refused: string): Refusal {
  return { refused, duplicate: refused.includes(duplicateWords) }
}

/** The id of a record or of a link to one. @throws DependencyError when the ERP gives none */
export function idOf(value: unknown, what: string): number {
  if (typeof value === 'number') return value
  throw new DependencyError('erp', `gives no id for ${what}`)
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A field of a linked record, read as `link.field`: the ERP answers with an object under `link.`. */
export function linkedText(record: Values, link: string, field: string): string {
  const linked = record[`${link}.`]
  if (typeof linked !== 'object' || linked === null) return ''
  return textOf((linked as Values)[field])
}
