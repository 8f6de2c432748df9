// What every part of the local stack looks like to the code that runs it.

import { get } from 'node:https'

export const partNames = ['kafka', 'registry', 'clickhouse', 'erp'] as const
export type PartName = (typeof partNames)[number]

/** One process of the stack, before it runs. */
export interface Part {
  readonly name: PartName
  readonly command: string
  readonly args: readonly string[]
  /** Added to the environment of the process that starts it. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** True once the part does its work; false or a rejection means not yet. Ends within about two seconds. */
  ready(): Promise<boolean>
}

/** @returns false where the request cannot even be made */
export async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
  await response.arrayBuffer()
  return response.ok
}

/** The same of a part behind TLS, whoever signed its certificate. */
export function answersOkEncrypted(url: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const request = get(url, { rejectUnauthorized: false, timeout: 2_000 }, (response) => {
      response.resume().once('end', () => {
        resolve(response.statusCode === 200)
      })
    })
    request.once('error', reject).once('timeout', () => request.destroy(new Error('timed out')))
  })
}
