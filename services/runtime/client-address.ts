// Whom a request comes from, for limits only: an address is personal data, never logged nor a label of a metric.
import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6 } from 'node:net'

/**
 * The address of a client. Behind a trusted proxy it is the last of x-forwarded-for, which that proxy wrote; the
 * ones before it are the client's own words. Of an IPv6 address the network, /64: one client has all of it.
 */
export function clientAddress(request: IncomingMessage, trustProxy: boolean): string {
  const peer = request.socket.remoteAddress ?? ''
  if (!trustProxy) return networkOf(peer)
  const header = request.headers['x-forwarded-for']
  const forwarded = (Array.isArray(header) ? header.join() : (header ?? '')).split(',').at(-1)
  const address = forwarded?.trim() ?? ''
  return networkOf(isIP(address) === 0 ? peer : address)
}

function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - groups.length - after.length)).fill('0')
  const all = tail === undefined ? groups : [...groups, ...zeros, ...after]
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
