// The administrator's few verbs, for setting a database up over the same JSON-RPC the sink uses.
import type { TrytonRpc } from '../../../services/erp-sink/tryton-rpc'

export type Domain = readonly unknown[]

export interface Wizard {
  execute(data: object, state: string): Promise<unknown>
  close(): Promise<void>
}

export class ErpAdmin {
  private readonly rpc: TrytonRpc

  constructor(rpc: TrytonRpc) {
    this.rpc = rpc
  }

  async create(model: string, values: readonly object[]): Promise<number[]> {
    return (await this.rpc.ask(`model.${model}.create`, [values])) as number[]
  }

  async createOne(model: string, values: object): Promise<number> {
    const [id] = await this.create(model, [values])
    if (id === undefined) throw new Error(`${model}: nothing created`)
    return id
  }

  async write(model: string, id: number, values: object): Promise<void> {
    await this.rpc.ask(`model.${model}.write`, [[id], values])
  }

  async press(model: string, button: string, ids: readonly number[]): Promise<void> {
    await this.rpc.ask(`model.${model}.${button}`, [ids])
  }

  /** The first record that matches one clause or a list of them. */
  async find(model: string, domain: Domain): Promise<number> {
    const clauses = Array.isArray(domain[0]) ? domain : [domain]
    const found = await this.rpc.ask(`model.${model}.search`, [clauses, 0, 1, null])
    const [id] = found as number[]
    if (id === undefined) throw new Error(`${model}: no record with ${JSON.stringify(domain)}`)
    return id
  }

  async read(model: string, id: number, field: string): Promise<unknown> {
    const [record] = (await this.rpc.ask(`model.${model}.read`, [[id], [field]])) as Record<
      string,
      unknown
    >[]
    return record?.[field]
  }

  async openWizard(name: string): Promise<Wizard> {
    const [session] = (await this.rpc.ask(`wizard.${name}.create`, [])) as [number]
    return {
      execute: (data, state) => this.rpc.ask(`wizard.${name}.execute`, [session, data, state]),
      close: async () => {
        await this.rpc.ask(`wizard.${name}.delete`, [session])
      },
    }
  }

  /** The company a user works for is told at login. */
  async renewSession(): Promise<void> {
    await this.rpc.logout()
  }
}
