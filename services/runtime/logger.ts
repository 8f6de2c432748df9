// JSON lines on stdout: time, level, service, msg and fixed field names (topic, partition, offset, stage,
// reason, err). Changes of state are logged, records never are: those are counted.
import pino from 'pino'

export type Logger = pino.Logger

export function createLogger(service: string, level = 'info'): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err },
    },
    standardOutput(),
  )
}

let listening = false

/** Node's own stream: pino's tries for ever to write its last line to a reader that is gone, and the process never ends. */
function standardOutput(): NodeJS.WriteStream {
  if (!listening) {
    listening = true
    // There is nobody to tell it to.
    process.stdout.on('error', () => undefined)
  }
  return process.stdout
}
