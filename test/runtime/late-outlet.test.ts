import { connectInTime, type ClosableOutlet } from '../../services/runtime/late-outlet'

function aService() {
  const crashes: unknown[] = []
  const releases: (() => void | Promise<void>)[] = []
  return {
    crashes,
    onStop: (release: () => void | Promise<void>) => releases.push(release),
    crash: (error: unknown) => crashes.push(error),
    stop: async () => {
      for (const release of releases.toReversed()) await release()
    },
  }
}

function anOutlet(done: string[]): ClosableOutlet {
  return {
    send: (records) => Promise.resolve(void done.push(`sent ${records.length}`)),
    queuedBytes: () => 7,
    close: () => Promise.resolve(void done.push('outlet closed')),
  }
}

test.each(['in time', 'late'])(
  'an outlet that connects %s is closed after whoever uses it and before what it uses',
  async (when) => {
    const done: string[] = []
    const service = aService()
    service.onStop(() => void done.push('spool closed'))
    let connect = (): void => undefined
    const connecting = new Promise<ClosableOutlet>((resolve) => {
      connect = () => {
        resolve(anOutlet(done))
      }
    })
    if (when === 'in time') connect()
    const outlet = await connectInTime(service, when === 'in time' ? 60_000 : 0, () => connecting)
    service.onStop(() => outlet.send([]))
    connect()
    await connecting
    await service.stop()
    expect(done).toEqual(['sent 0', 'outlet closed', 'spool closed'])
    expect(service.crashes).toEqual([])
  },
)

test('until it has connected it refuses, and there is nothing to close', async () => {
  const service = aService()
  const outlet = await connectInTime(service, 0, () => new Promise(() => undefined))
  await expect(outlet.send([])).rejects.toThrow('not reached since the start')
  expect(outlet.queuedBytes()).toBe(0)
  await service.stop()
})

test('what makes connecting impossible is told by whoever starts it in time, and ends the process later', async () => {
  const service = aService()
  const impossible = new Error('no topic')
  await expect(connectInTime(service, 60_000, () => Promise.reject(impossible))).rejects.toBe(
    impossible,
  )
  expect(service.crashes).toEqual([])
  let fail = (): void => undefined
  const failing = new Promise<ClosableOutlet>((_resolve, reject) => {
    fail = () => {
      reject(impossible)
    }
  })
  await connectInTime(service, 0, () => failing)
  fail()
  await expect(failing).rejects.toBe(impossible)
  expect(service.crashes).toEqual([impossible])
})
