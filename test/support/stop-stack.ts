// jest's global tear-down of the integration tests.
import './start-stack'

// jest asks for a default export here.
// eslint-disable-next-line no-restricted-syntax
export default async function stopTestStack(): Promise<void> {
  await globalThis.tributaryTestStack?.stop()
}
