// What an operator should look at when a dependency and this process do not come to an understanding: the
// setting, told from the error's code.

const settings: Readonly<Record<string, { authority: string; login: string }>> = {
  kafka: {
    authority: 'KAFKA_TLS_CA',
    login: 'KAFKA_SASL_MECHANISM, KAFKA_SASL_USER and KAFKA_SASL_PASSWORD',
  },
  'schema registry': {
    authority: 'REGISTRY_CA',
    login: 'REGISTRY_USER and REGISTRY_PASSWORD',
  },
  clickhouse: {
    authority: 'CLICKHOUSE_CA',
    login: 'CLICKHOUSE_USER and CLICKHOUSE_PASSWORD',
  },
}

/** Codes of OpenSSL for a certificate that no known authority vouches for. */
const unknownAuthority: ReadonlySet<unknown> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
])

const certificateAskedFor: ReadonlySet<unknown> = new Set([
  'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
])

/** ClickHouse's AUTHENTICATION_FAILED, HTTP's 401, and kafkajs's name for it. */
const loginRefused: ReadonlySet<unknown> = new Set(['516', 401, 'KafkaJSSASLAuthenticationError'])

/** Empty, or ` (look at …)`. Follows the causes of an error. */
export function advice(dependency: string, error: unknown): string {
  const named = settings[dependency]
  if (named === undefined) return ''
  for (const mark of marksOf(error)) {
    if (unknownAuthority.has(mark)) return ` (look at ${named.authority})`
    if (loginRefused.has(mark)) return ` (look at ${named.login})`
    if (dependency === 'kafka' && certificateAskedFor.has(mark)) {
      return ' (look at KAFKA_TLS_CERT and KAFKA_TLS_KEY)'
    }
    if (mark === 'ERR_TLS_CERT_ALTNAME_INVALID') return ' (its certificate is for another address)'
    if (mark === 'CERT_HAS_EXPIRED') return ' (its certificate has expired)'
  }
  return ''
}

function marksOf(error: unknown): unknown[] {
  const marks: unknown[] = []
  let current = error
  for (let depth = 0; depth < 5 && typeof current === 'object' && current !== null; depth++) {
    const { name, code, status, cause } = current as Record<string, unknown>
    marks.push(name, code, status)
    current = cause
  }
  return marks
}
