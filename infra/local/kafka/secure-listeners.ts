// Two more doors of the local broker, as a guarded cluster has them: one encrypted where clients log in, one encrypted
// where they show a certificate. For tests of what a service does with KAFKA_TLS… and KAFKA_SASL…; never part of a demo.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface SecureListeners {
  /** Encrypted; clients log in by PLAIN or SCRAM. */
  readonly loginPort: number
  /** Encrypted; clients show a certificate. */
  readonly certificatePort: number
  /** PEM of the broker's key and certificate. */
  readonly key: string
  readonly certificate: string
  /** PEM of the authority whose client certificates are taken. */
  readonly authority: string
  /** Without quotes and backslashes. */
  readonly user: string
  readonly password: string
}

/** What the broker's properties gain. Keys are written to `dataDirectory`, for their owner only. */
export function secureProperties(
  secure: SecureListeners,
  dataDirectory: string,
): { listeners: string; protocols: string; lines: string[] } {
  const keyStore = join(dataDirectory, 'broker.pem')
  const trustStore = join(dataDirectory, 'authority.pem')
  writeFileSync(keyStore, `${secure.key}\n${secure.certificate}\n`, { mode: 0o600 })
  writeFileSync(trustStore, secure.authority)
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule'
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const { user, password } = secure
  return {
    listeners: `LOGIN://127.0.0.1:${secure.loginPort},CERTIFICATE://127.0.0.1:${secure.certificatePort}`,
    protocols: 'LOGIN:SASL_SSL,CERTIFICATE:SSL',
    lines: [
      'ssl.keystore.type=PEM',
      `ssl.keystore.location=${keyStore}`,
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${trustStore}`,
      'listener.name.certificate.ssl.client.auth=required',
      'listener.name.login.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      `listener.name.login.plain.sasl.jaas.config=${plain} required user_${user}="${password}";`,
      `listener.name.login.scram-sha-256.sasl.jaas.config=${scram}`,
      `listener.name.login.scram-sha-512.sasl.jaas.config=${scram}`,
    ],
  }
}

/** Arguments of the storage tool that make the user known before the broker first starts. */
export function scramUsers({ user, password }: SecureListeners): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${user},password=${password}]`,
  ])
}
