// Ceilings of the collector: the least that can answer such requests. Answers with the port it listens on.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { answerParent } from './child'

export type BareEdgePlan = { readonly kind: 'node:http' | 'express' } | ForwardingPlan

interface ForwardingPlan {
  readonly kind: 'express and kafkajs'
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  /** Of the record that stands for one event. */
  readonly keyBytes: number
  readonly valueBytes: number
}

const picture = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

async function serve(plan: BareEdgePlan): Promise<number> {
  const server = await serverOf(plan)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function serverOf(plan: BareEdgePlan): Promise<Server> {
  switch (plan.kind) {
    case 'node:http':
      return createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'image/gif', 'content-length': picture.length })
        response.end(picture)
      })
    case 'express': {
      const app = express()
      app.get('/p.gif', (_request, response) => {
        response.type('image/gif').send(picture)
      })
      return createServer(app)
    }
    case 'express and kafkajs':
      return createServer(await forwarding(plan))
  }
}

async function forwarding(plan: ForwardingPlan): Promise<express.Express> {
  const app = express()
  const kafka = new Kafka({ brokers: [...plan.brokers], logLevel: logLevel.ERROR })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const key = Buffer.alloc(plan.keyBytes, 'k')
  const value = Buffer.alloc(plan.valueBytes, 'v')
  let next = 0
  app.post('/collect', express.text({ type: '*/*', limit: '1mb' }), async (request, response) => {
    const events = JSON.parse(request.body as string) as unknown[]
    const messages = events.map(() => ({ key, value, partition: (next += 1) % plan.partitions }))
    await producer.send({ topic: plan.topic, acks: -1, messages })
    response.json({ accepted: events.length })
  })
  return app
}

answerParent(serve)
