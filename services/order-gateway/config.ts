import { z } from 'zod'
import { limit } from '../runtime/config'
import { edgeSettings, jsonSetting } from '../runtime/edge-settings'
import { sealKeyRing } from '../runtime/seal-settings'
import { gatewaySources } from './sources'

export const gatewaySettings = {
  ...edgeSettings,
  SOURCES: jsonSetting(gatewaySources).describe(
    'JSON: [{name, secrets, platform, shops, figures, …}], see Sources; or SOURCES_FILE',
  ),
  SEAL_KEYS: jsonSetting(sealKeyRing).describe(
    'JSON: {key id: base64 of 32 bytes}; or SEAL_KEYS_FILE',
  ),
  SEAL_KEY_ID: z.string().min(1).describe('Id of the key that seals; must be one of SEAL_KEYS'),
  ORDERS_MAX: limit(100).describe('Most orders in one request'),
  FIGURES_MAX: limit(500).describe('Most figures in one request'),
  SIGNATURE_AGE_MAX_SECONDS: limit(300).describe(
    'How far the timestamp of a signature may be from now, either way',
  ),
  REPLAYS_REMEMBERED_MAX: limit(100_000).describe('Most recent signatures remembered'),
  ORDER_AGE_MAX_DAYS: limit(400, { max: 400 }).describe('Oldest order taken'),
}
