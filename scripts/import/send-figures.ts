// Sends figures to the gateway as any source does: signed, and told for each whether it was taken.
import { z } from 'zod'
import type { Fault } from '../../services/core/edge/notes'
import type { FigureKind } from '../../services/core/figures/figure'
import { signatureOf } from '../../services/order-gateway/signature'
import { DependencyError, SetupError } from '../../services/runtime/errors'
import { retry } from '../../services/runtime/retry'

export interface Gateway {
  readonly url: string
  readonly source: string
  readonly secret: string
  /** Told why it has to be asked again. */
  readonly waiting: (why: string) => void
}

/** Faults of each figure, in order; none for one that was taken. */
export type SendFigures = (
  kind: FigureKind,
  figures: readonly unknown[],
) => Promise<readonly (readonly Fault[])[]>

const answerTimeoutMs = 30_000
/** Some five minutes: a gateway that is started anew, or Kafka behind it, is back by then. */
const attempts = 75
const maxPauseMs = 5_000

const answerShape = z.object({
  error: z.string().optional(),
  figures: z
    .array(
      z.object({ faults: z.array(z.object({ field: z.string(), fault: z.string() })).default([]) }),
    )
    .optional(),
})

export function createSendFigures(gateway: Gateway): SendFigures {
  const health = {
    unwell: (_dependency: string, why: string) => {
      gateway.waiting(why)
    },
    well: () => undefined,
  }
  const send: SendFigures = async (kind, figures) => {
    const answer = await retry(() => post(gateway, kind, figures), {
      ...{ health, attempts, maxPauseMs },
    })
    if (answer.status === 413 && figures.length > 1) {
      const middle = figures.length >> 1
      const first = await send(kind, figures.slice(0, middle))
      return [...first, ...(await send(kind, figures.slice(middle)))]
    }
    if (answer.figures?.length === figures.length) return answer.figures.map(({ faults }) => faults)
    throw new SetupError(`${gateway.url} answered ${answer.status}: ${answer.error ?? 'no reason'}`)
  }
  return send
}

async function post(
  { url, source, secret }: Gateway,
  kind: FigureKind,
  figures: readonly unknown[],
): Promise<z.output<typeof answerShape> & { readonly status: number }> {
  const body = Buffer.from(JSON.stringify(figures))
  const seconds = Math.floor(Date.now() / 1_000)
  const signature = signatureOf(secret, seconds, body).toString('hex')
  const response = await fetch(`${url}/figures/${kind}/${source}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-tributary-signature': `t=${seconds},v1=${signature}`,
    },
    body,
    signal: AbortSignal.timeout(answerTimeoutMs),
  }).catch((error: unknown) => {
    const { cause = error } = error as { readonly cause?: unknown }
    throw new DependencyError('gateway', cause)
  })
  const text = await response.text().catch((error: unknown) => {
    throw new DependencyError('gateway', error)
  })
  const { status } = response
  if (status === 429 || status >= 500) throw new DependencyError('gateway', `answered ${status}`)
  const answer = answerShape.safeParse(parsed(text))
  return { status, ...(answer.success ? answer.data : { error: 'what is no answer of a gateway' }) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    // Somebody else answers there; the caller says so.
    return null
  }
}
