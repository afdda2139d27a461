/**
 * The only module that imports pino. One line per fact, with the job's id; secrets and message texts never at `info`.
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type Log = Logger;

export interface LogOptions {
  level: string;
  /** `auto`: pretty on a terminal, JSON elsewhere. */
  pretty: boolean | 'auto';
}

/** Paths whose values are redacted in every log line. */
const secretPaths = [
  'token',
  'apiKey',
  'apiKeys',
  'password',
  'authorization',
  'headers.authorization',
];

/** `destination` receives whole lines of JSON; default: standard error. */
export function createLog(options: LogOptions, destination?: DestinationStream): Log {
  const isPretty = options.pretty === 'auto' ? process.stderr.isTTY : options.pretty;
  const settings = {
    level: options.level,
    base: {},
    redact: { paths: secretPaths.flatMap((path) => [path, `*.${path}`]), censor: '[redacted]' },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  };
  if (destination !== undefined) return pino(settings, destination);
  // Logs go to stderr: stdout is for the output of commands.
  return isPretty
    ? pino(
        settings,
        pretty({
          destination: 2,
          ignore: 'pid,hostname',
          translateTime: 'SYS:HH:MM:ss.l',
          sync: true,
        }),
      )
    : pino(settings, pino.destination({ fd: 2, sync: false }));
}

export const silentLog = (): Log => pino({ level: 'silent' });
