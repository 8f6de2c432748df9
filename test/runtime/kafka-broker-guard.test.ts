import Broker from 'kafkajs/src/broker'
import { installBrokerGuard } from '../../services/runtime/kafka-broker-guard'

function aBroker(): Broker {
  const connectionPool = { host: '127.0.0.1', port: 9092, connectionTimeout: 1_000 }
  return new Broker({ connectionPool, logger: { namespace: () => ({}) } })
}

test('a broker nobody has connected to is a matter of the connection, to be tried again', async () => {
  installBrokerGuard()
  await expect(aBroker().metadata([])).rejects.toMatchObject({
    name: 'KafkaJSConnectionError',
    retriable: true,
  })
})
