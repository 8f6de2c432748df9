import { play } from './play'

jest.setTimeout(60_000)

test('a seed plays the same every time', async () => {
  for (const seed of [1, 2, 3]) {
    const [one, other] = [await play(seed), await play(seed)]
    expect(one.trace).toEqual(other.trace)
    expect(one.happened).toEqual(other.happened)
  }
})
