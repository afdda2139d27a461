/** Every option of every command, declared once: parsing, help and shell completion are generated from this table. */
import { jobStates, outcomes } from '#machines/job-types';

interface OptionSpec {
  type: 'string' | 'boolean';
  short?: string;
  default?: boolean;
  /** Placeholder of the value in the help. Only with `type: 'string'`. */
  value?: string;
  help: string;
  /** All allowed values; any other value is a usage error. */
  words?: readonly string[];
}

export const options = {
  config: { type: 'string', value: 'FILE', help: 'the configuration (default ./gatehouse.yaml)' },
  url: { type: 'string', value: 'URL', help: 'the core to talk to (or GATEHOUSE_URL)' },
  json: { type: 'boolean', default: false, help: 'machine-readable output' },
  yes: { type: 'boolean', default: false, help: 'without asking first' },
  help: { type: 'boolean', short: 'h', default: false, help: 'what the command takes' },
  version: { type: 'boolean', default: false, help: 'which Gatehouse this is' },
  user: { type: 'string', value: 'ID', help: 'the user who is meant' },
  state: {
    type: 'string',
    value: 'WORD',
    help: 'only jobs that are there, or have ended so',
    words: [...new Set([...jobStates, ...outcomes])],
  },
  limit: { type: 'string', value: 'N', help: 'how many at the most' },
  minutes: { type: 'string', value: 'N', help: 'how long the code can be used; else 10' },
  all: { type: 'boolean', default: false, help: 'all of them, also those that have ended' },
  at: { type: 'string', value: 'TIME', help: 'once, at this wall time: YYYY-MM-DDTHH:MM' },
  cron: { type: 'string', value: 'FIELDS', help: 'again and again: five fields of cron' },
  kind: {
    type: 'string',
    value: 'WORD',
    help: 'what is done; else a reminder',
    words: ['reminder', 'prompt', 'digest'],
  },
  count: { type: 'string', value: 'N', help: 'how many times' },
  start: { type: 'string', value: 'TIME', help: 'the first possible time: YYYY-MM-DDTHH:MM' },
  end: { type: 'string', value: 'TIME', help: 'the last possible time: YYYY-MM-DDTHH:MM' },
  overlap: {
    type: 'string',
    value: 'WORD',
    help: 'while the run before goes on; else skip',
    words: ['skip', 'queue-one', 'queue-all'],
  },
  'catch-up': {
    type: 'string',
    value: 'WORD',
    help: 'what becomes of a missed time',
    words: ['once-late', 'skip'],
  },
  'catch-up-minutes': { type: 'string', value: 'N', help: 'how late it may still run' },
  'pause-on-failures': {
    type: 'string',
    value: 'N',
    help: 'failed runs in a row that pause it; 0: never',
  },
  thread: { type: 'string', value: 'NAME', help: 'the thread of the channel' },
  channel: { type: 'string', value: 'NAME', help: 'where the messages go; else http' },
  title: { type: 'string', value: 'TEXT', help: 'the title; else the first line' },
  now: { type: 'string', value: 'ISO', help: 'the time to decide at; else the clock' },
  pending: { type: 'boolean', default: false, help: 'as if a draft waited for an answer' },
  job: { type: 'string', value: 'ID', help: 'only this job, from its start to its end' },
  from: { type: 'string', value: 'FROM', help: 'where to begin' },
  to: { type: 'string', value: 'DATE', help: 'up to, not including, this day' },
  zone: { type: 'string', value: 'ZONE', help: 'the time zone (IANA name)' },
  react: { type: 'boolean', default: false, help: 'the model searches on by itself' },
  backend: { type: 'string', value: 'ID', help: 'the backend that answers' },
  'send-test': {
    type: 'string',
    value: 'CHAT_USER',
    help: 'post a test message to this user of the chat',
  },
  'password-file': {
    type: 'string',
    value: 'FILE',
    help: 'file with the password of the PostgreSQL user',
  },
  port: { type: 'string', value: 'N', help: 'port of the API' },
  'page-port': { type: 'string', value: 'N', help: 'port of the page' },
  host: { type: 'string', value: 'H', help: 'address to listen at' },
  bridge: { type: 'string', value: 'URL', help: 'the webhook of the bridge' },
  token: { type: 'string', value: 'T', help: 'token of the bot' },
  tls: { type: 'boolean', default: false, help: 'serve HTTPS with a certificate of its own' },
  'tls-folder': { type: 'string', value: 'DIR', help: 'where the certificate is kept' },
  storm: { type: 'string', value: '0…1', help: 'the part of requests that fail' },
  target: { type: 'string', value: 'URL', help: 'address of the model server' },
  listen: { type: 'string', value: 'H:P', help: 'address and port to listen at' },
  concurrency: { type: 'string', value: 'N', help: 'requests that the model server runs at once' },
  'allow-unfenced': {
    type: 'boolean',
    default: false,
    help: 'give free slots to requests without a permit',
  },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof options;

/** The parsed options: undefined for a string option that was not given. */
export type CommandValues = {
  [Name in OptionName]: (typeof options)[Name]['type'] extends 'boolean'
    ? boolean
    : string | undefined;
};

export const specOf = (name: string): OptionSpec => options[name as OptionName];
