// Real parts take their time on a busy machine; what is waited for is a fact, and this is when to give up on it.
jest.setTimeout(180_000)
