import { z } from 'zod'
import { limit } from '../runtime/config'
import { edgeSettings, jsonSetting } from '../runtime/edge-settings'
import { collectorSources } from './sources'

export const collectorSettings = {
  ...edgeSettings,
  SOURCES: jsonSetting(collectorSources).describe(
    'JSON: [{name, keys, …}], see Sources; or SOURCES_FILE',
  ),
  EVENTS_MAX: limit(500).describe('Most events in one request'),
  VISITOR_COOKIE: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .default('tributary_visitor')
    .describe('Name of the first-party visitor cookie'),
  VISITOR_COOKIE_DAYS: limit(365).describe('Its life, renewed with every request'),
  VISITOR_COOKIE_SAME_SITE: z
    .enum(['Lax', 'Strict', 'None'])
    .default('Lax')
    .describe('None for pages of other sites; makes the cookie Secure'),
  VISITOR_COOKIE_SECURE: z
    .stringbool()
    .default(false)
    .describe('Always Secure; else only behind a trusted proxy that says https'),
}
