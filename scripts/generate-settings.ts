// Writes the settings table into each service's README from the service's config.ts; part of `npm run generate`.
// A test fails when the two part.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { z } from 'zod'
import { writerSettings } from '../services/clickhouse-writer/config'
import { collectorSettings } from '../services/collector/config'
import { sinkSettings } from '../services/erp-sink/config'
import { trainerSettings } from '../services/model-trainer/config'
import { gatewaySettings } from '../services/order-gateway/config'
import { serviceSettings } from '../services/runtime/config'
import { projectDirectory } from '../services/runtime/schemas'
import { streamProcessorSettings } from '../services/stream-processor/config'

const settings: Readonly<Record<string, z.ZodRawShape>> = {
  collector: collectorSettings,
  'order-gateway': gatewaySettings,
  'stream-processor': streamProcessorSettings,
  'clickhouse-writer': writerSettings,
  'erp-sink': sinkSettings,
  'model-trainer': trainerSettings,
}

const heading = '## Settings\n'

export const servicesWithSettings = Object.keys(settings)

/** A service's README with the table its settings make now, before formatting. */
export function readmeOf(service: string): string {
  const readme = readFileSync(fileOf(service), 'utf8')
  const start = readme.indexOf(heading) + heading.length
  const next = readme.indexOf('\n## ', start)
  const rest = next === -1 ? '' : readme.slice(next)
  return `${readme.slice(0, start)}\n${tableOf(service)}\n${rest}`
}

function tableOf(service: string): string {
  const shape = { ...serviceSettings, ...settings[service] }
  const rows = Object.entries(shape).map(([name, schema]) => {
    const type = schema as z.ZodType
    return `| \`${name}\` | ${fallbackOf(type)} | ${type.description ?? ''} |`
  })
  const secrets = 'Any value may stand in a file instead, named by the same setting with `_FILE`.'
  return [secrets, '', '| setting | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

function fallbackOf(schema: z.ZodType): string {
  const parsed = schema.safeParse(undefined)
  if (!parsed.success) return 'required'
  const value = parsed.data
  if (value === undefined) return 'none'
  if (value === '') return 'empty'
  if (Array.isArray(value)) return value.join(', ')
  return JSON.stringify(value).replace(projectDirectory(), '.').replaceAll('"', '')
}

function fileOf(service: string): string {
  return join(projectDirectory(), 'services', service, 'README.md')
}

if (require.main === module) {
  for (const service of servicesWithSettings) writeFileSync(fileOf(service), readmeOf(service))
}
