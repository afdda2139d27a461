/**
 * Schema of the configuration file: every key, its unit and its default (docs/configuration.md is generated from
 * it). Unknown keys are errors: a misspelt key must not be ignored.
 */
import { z } from 'zod';
import { systemTimeZone } from '#shared/system-time-zone';
import { findInvalidApiKey } from './api-key-check.ts';
import {
  count,
  filePath,
  slug,
  durationMs,
  timerMs,
  port,
  secret,
  optionalSection,
  nonEmptyString,
  urlWithoutCredentials,
} from './zod-helpers.ts';
import { synologySchema } from './synology-config.ts';

export const backendKinds = [
  'ollama',
  'llama.cpp',
  'mlx-lm',
  'mlx-vlm',
  'lm-studio',
  'vllm',
  'generic',
] as const;

const backend = z.strictObject({
  id: slug.describe('The name by which roles and callers name it.'),
  baseUrl: urlWithoutCredentials(z.url({ protocol: /^https?$/ })).describe(
    'Up to and including /v1.',
  ),
  model: nonEmptyString.describe('The name of the model, as the server knows it.'),
  kind: z
    .enum(backendKinds)
    .default('generic')
    .describe('Which server it is: decides what is sent and what is known of its faults.'),
  names: z
    .array(nonEmptyString)
    .default([])
    .describe(
      'What people call it in messages, besides its id, its host and the family of its model.',
    ),
  concurrency: count(1).describe('Requests that the server really runs at once.'),
  statusUrl: urlWithoutCredentials(z.url())
    .nullable()
    .default(null)
    .describe('A page with active_jobs and total_requests.'),
  apiKey: secret.nullable().default(null).describe('Sent as a bearer token.'),
  timeoutsMs: optionalSection({
    connect: timerMs(2_000).describe('Until the server has accepted the connection.'),
    firstToken: timerMs(120_000).describe(
      'From the request to the first piece of the answer; a large prompt takes minutes on a small machine.',
    ),
    idle: timerMs(45_000).describe('Between two pieces; longer is taken for a stall.'),
    total: timerMs(600_000).describe('The whole request; 0: no limit.'),
  }),
});

const userApiKey = z.strictObject({
  key: secret.describe('The key itself.'),
  user: z.string().min(1).max(256).describe('Whose key it is.'),
});

/** For servers with a self-signed certificate or a private CA, such as a NAS. */
const tlsTrust = {
  caFile: filePath
    .optional()
    .describe('PEM file: an authority of your own, or the certificate itself.'),
  fingerprint256: nonEmptyString.optional().describe("SHA-256 of the server's certificate."),
};

const shared = z.boolean().default(false).describe('One for all users; else each has his own.');

const credentials = {
  username: nonEmptyString.describe('Login.'),
  password: secret.describe('Often an app password made for this purpose.'),
};

const mailFolder = z.strictObject({
  path: nonEmptyString.describe('As the server names it.'),
  words: z
    .array(nonEmptyString)
    .default([])
    .describe('Words in a message that mean this folder, in any language (회사, work).'),
});

const mailAccount = {
  name: nonEmptyString
    .optional()
    .describe('What it is called in answers; the user name if left out.'),
  host: nonEmptyString.describe('Name of the IMAP server.'),
  port: port(993).describe('Its port.'),
  secure: z
    .boolean()
    .default(true)
    .describe('TLS from the first byte; false: STARTTLS where it is offered.'),
  ...credentials,
  folders: z
    .array(mailFolder)
    .optional()
    .describe('Folders that are searched besides INBOX, and what people call them.'),
  users: z.array(nonEmptyString).optional().describe('Whose mail it is; left out: everybody.'),
  ...tlsTrust,
};

export const configSchema = z.strictObject({
  server: optionalSection({
    host: nonEmptyString
      .default('127.0.0.1')
      .describe('Address that HTTP listens on; one that is open to the network needs a key.'),
    port: port(8100).describe('0: any free port.'),
    apiKeys: z
      .array(z.union([secret, userApiKey]))
      .superRefine((keys, context) => {
        const problem = findInvalidApiKey(keys);
        if (problem !== null) context.addIssue({ code: 'custom', ...problem });
      })
      .default([])
      .describe("Empty: loopback only. A key with a user sees and moves only what is that user's."),
    limits: optionalSection({
      requestsPerMinute: count(1_200, 0).describe(
        'Of one person, or of one address without a key.',
      ),
      wrongKeysPerMinute: count(20, 0).describe('From one address.'),
      openRequests: count(64, 0).describe('Requests and streams of one person at once.'),
      connections: count(2_048, 0).describe('Of all; half of them from one address.'),
    }).describe("0: no limit. The operator's keys are not counted."),
  }),
  database: filePath
    .default('./data/gatehouse.db')
    .describe(
      'The SQLite file. What is beside it (an own NATS server, certificates) lies in the same folder.',
    ),
  nats: optionalSection({
    mode: z
      .enum(['auto', 'external', 'child', 'off'])
      .default('auto')
      .describe(
        'auto: the server at url, else an own one where nats-server is on PATH, else none.',
      ),
    url: nonEmptyString
      .nullable()
      .default(null)
      .describe('Address of the server, such as nats://127.0.0.1:4222.'),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, 'must be subject tokens joined by dots')
      .default('gatehouse.v1')
      .describe('What all subjects begin with.'),
    user: nonEmptyString.nullable().default(null).describe('Login by name and password.'),
    password: secret.nullable().default(null).describe('Login by name and password.'),
    token: secret.nullable().default(null).describe('Login by token.'),
    credsFile: filePath
      .nullable()
      .default(null)
      .describe('Login by a credentials file (JWT and nkey).'),
    caFile: filePath
      .nullable()
      .default(null)
      .describe('PEM, where the certificate is not from a public authority.'),
    certFile: filePath
      .nullable()
      .default(null)
      .describe("PEM of the client's certificate, where the server asks for one."),
    keyFile: filePath.nullable().default(null).describe('PEM of the key of that certificate.'),
  }),
  timezone: z
    .string()
    .refine(
      (name) => name === 'auto' || isTimeZone(name),
      'must be an IANA time zone, such as Asia/Seoul',
    )
    .default('auto')
    .describe(
      'The zone of dates that people say, and of the window for drafts; auto: the zone of the machine.',
    )
    .transform((name) => (name === 'auto' ? systemTimeZone() : name)),
  locale: z
    .enum(['auto', 'ko', 'en'])
    .default('auto')
    .describe('auto: the language of the message.'),
  backends: z
    .array(backend)
    .default([])
    .describe('Empty: looks for local servers on their usual ports, else the practice model.'),
  roles: optionalSection({
    classifier: slug
      .optional()
      .describe('Decides what a message wants, words results, stands in for the reasoner.'),
    reasoner: slug.optional().describe('Answers what needs thought.'),
    drafter: slug.optional().describe('Turns memos into documents.'),
    ask: slug.optional().describe('Answers questions to documents.'),
    react: slug.optional().describe('Answers them with searches of its own; needs tool calls.'),
  }).describe('Which backend does what; one that is left out is the first backend.'),
  pipelineEnabled: z
    .boolean()
    .default(true)
    .describe('false: the classifier answers what would go to the reasoner.'),
  jobs: optionalSection({
    maxConcurrent: count(3).describe(
      'Jobs that run at once; those of one conversation run in order.',
    ),
    maxQueued: count(200).describe(
      'Jobs that may wait for their turn; one more is refused with 429. One user may have half of them (at least 10).',
    ),
    messageMaxChars: count(8_000).describe('Longest message.'),
    reasonPromptMaxChars: count(1_000).describe('How much of a message the reasoner gets.'),
    toolTimeoutMs: timerMs(10_000).describe('Limit of a tool.'),
    classifyTimeoutMs: timerMs(30_000).describe(
      'Limit of a classification; then the message is answered directly.',
    ),
    confirmTtlMs: durationMs(900_000).describe('How long a draft waits for a yes or no.'),
    heartbeatMs: timerMs(4_000, 50).describe(
      'Longest silence of a running job; progress is told at most this often.',
    ),
  }),
  gates: optionalSection({
    maxQueue: count(64).describe('Requests that may wait for one backend.'),
    agingMs: durationMs(300_000).describe("After this wait background work counts as a person's."),
    preemptBackground: z
      .boolean()
      .default(true)
      .describe("A person's request ends a draft that is being written; it is written later."),
    maxPreemptions: count(2, 0).describe('How often one draft may be ended so.'),
  }),
  conversation: optionalSection({
    historyMessages: count(10, 0).describe(
      'Earlier messages that a model is given; at times about half as many more.',
    ),
    historyCharsMax: count(6_000, 0).describe(
      'Characters of these in all; one message has a quarter at most, the classifier gets half.',
    ),
    retentionDays: count(7).describe(
      'Ended jobs, their events and deleted documents leave the disk after this.',
    ),
  }),
  drafts: optionalSection({
    intervalMs: timerMs(120_000, 100).describe(
      'Time between two searches for memos that want a draft; also the wait before the first retry.',
    ),
    batch: count(2).describe('Memos of one round.'),
    minChars: count(20, 0).describe('A shorter memo gets no draft.'),
    maxAttempts: count(5).describe('After so many failures a memo waits for a person.'),
    window: z
      .string()
      .regex(
        /^([01]\d|2[0-4]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$/,
        'must look like 00:00-07:00; 22:00-06:00 goes over midnight',
      )
      .nullable()
      .default(null)
      .describe('Hours in which drafts are written, such as 00:00-07:00; null: always.'),
  }),
  tools: optionalSection({
    calendar: z
      .discriminatedUnion('provider', [
        z.strictObject({ provider: z.literal('local'), shared }),
        z.strictObject({
          provider: z.literal('caldav'),
          url: urlWithoutCredentials(z.url()).describe(
            'Address of the server or, better, of the collection.',
          ),
          ...credentials,
          calendar: nonEmptyString
            .optional()
            .describe('Name of the calendar that new entries go to.'),
          users: z.array(nonEmptyString).optional().describe('Who sees it; left out: everybody.'),
          ...tlsTrust,
        }),
      ])
      .prefault({ provider: 'local' })
      .describe('Where appointments are.'),
    email: z
      .discriminatedUnion('provider', [
        z.strictObject({ provider: z.literal('none') }),
        z.strictObject({
          provider: z.literal('imap'),
          ...mailAccount,
          accounts: z.array(z.strictObject(mailAccount)).default([]).describe('Further accounts.'),
        }),
      ])
      .prefault({ provider: 'none' })
      .describe('Where mail is read; nothing is ever written.'),
    documents: z
      .strictObject({
        provider: z.literal('local').describe('The own library.'),
        shared,
        answers: z
          .enum(['search', 'react'])
          .default('search')
          .describe('react: a model reads on in what a chat has found, and answers from it.'),
      })
      .prefault({ provider: 'local' }),
  }),
  search: optionalSection({
    embeddings: z
      .strictObject({
        baseUrl: urlWithoutCredentials(z.url({ protocol: /^https?$/ })).describe(
          'Up to and including /v1.',
        ),
        model: nonEmptyString.describe(
          'Name of the embedding model; another one makes all vectors anew.',
        ),
        apiKey: secret.nullable().default(null).describe('Sent as a bearer token.'),
        batch: z.number().int().min(1).max(32).default(16).describe('Texts in one request.'),
        timeoutMs: timerMs(30_000).describe('Of one request.'),
        queryTimeoutMs: timerMs(1_500).describe(
          'What a search waits for its vector; then words alone.',
        ),
        minSimilarity: z
          .number()
          .min(-1)
          .max(1)
          .default(0.3)
          .describe('What is less near in meaning is not found; models of the e5 family want 0.8.'),
      })
      .nullable()
      .default(null)
      .describe('Search by meaning beside search by words; null: off.'),
  }),
  synology: synologySchema,
  inspector: optionalSection({
    redaction: z
      .enum(['none', 'texts'])
      .default('none')
      .describe('texts: what people, models and tools wrote is shown as its length, to everybody.'),
  }),
  logging: optionalSection({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .describe('Texts of messages appear at debug and below only.'),
    pretty: z
      .union([z.boolean(), z.literal('auto')])
      .default('auto')
      .describe('auto: for people on a terminal, JSON elsewhere.'),
  }),
});

export type Config = z.infer<typeof configSchema>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
