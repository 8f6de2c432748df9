// Certificates that live as long as a test: an authority, and what it signs for 127.0.0.1.
import { generate } from 'selfsigned'

export interface Certificate {
  /** PEM. */
  readonly certificate: string
  /** PEM. */
  readonly key: string
}

export async function anAuthority(name: string): Promise<Certificate> {
  return made(
    await generate([{ name: 'commonName', value: name }], {
      ...shape,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, critical: true },
      ],
    }),
  )
}

/** For both ends of a connection. */
export async function signedBy(authority: Certificate, name: string): Promise<Certificate> {
  return made(
    await generate([{ name: 'commonName', value: name }], {
      ...shape,
      ca: { key: authority.key, cert: authority.certificate },
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
      ],
    }),
  )
}

const shape = { keyType: 'rsa', keySize: 2048, algorithm: 'sha256' } as const

function made(pems: { cert: string; private: string }): Certificate {
  return { certificate: pems.cert, key: pems.private }
}
