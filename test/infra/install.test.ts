import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installOnce } from '../../infra/local/install'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tributary-install-'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

function anInstallation(
  install: (making: string) => Promise<void>,
): Parameters<typeof installOnce>[0] {
  return { directory: join(root, 'thing-1'), title: 'thing', progress: () => undefined, install }
}

test('two runs at once install once', async () => {
  const made: string[] = []
  const installation = anInstallation(async (making) => {
    made.push(making)
    await Promise.resolve()
    writeFileSync(join(making, 'file'), '')
  })
  await Promise.all([installOnce(installation), installOnce(installation)])
  expect(made).toHaveLength(1)
  expect(readdirSync(root)).toEqual(['thing-1'])
})

test('an installation that fails leaves nothing', async () => {
  const failing = anInstallation((making) => {
    writeFileSync(join(making, 'half'), '')
    return Promise.reject(new Error('the network went away'))
  })
  await expect(installOnce(failing)).rejects.toThrow('the network went away')
  expect(readdirSync(root)).toEqual([])
})

test('what a killed installation left is cleared away by the next', async () => {
  mkdirSync(join(root, 'thing-1.making-1'))
  await installOnce(anInstallation(() => Promise.resolve()))
  expect(readdirSync(root)).toEqual(['thing-1'])
})
