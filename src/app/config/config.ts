/**
 * Schema of the configuration file: every key, its unit and its default (docs/configuration.md is generated from
 * it). Unknown keys are errors: a misspelt key must not be ignored.
 */
import { z } from 'zod';
import { systemTimeZone } from '#shared/system-time-zone';
import { picturesSchema } from './attachment-settings.ts';
import { agentSchema } from './agent-settings.ts';
import { clusterSchema } from './cluster-settings.ts';
import { databaseSchema } from './database-settings.ts';
import { personsSchema } from './persons-settings.ts';
import { serverSchema } from './server-settings.ts';
import {
  count,
  filePath,
  folderPath,
  slug,
  durationMs,
  timerMs,
  port,
  secret,
  optionalSection,
  nonEmptyString,
  urlWithoutCredentials,
} from '#shared/config-fields';
import { synologySchema } from '#channels/synology/synology-config';
import { telegramSchema } from '#channels/telegram/telegram-config';
import { mcpSchema } from '#mcp/mcp-settings';
import { backendKinds } from '#models/client/server-profiles';

const backend = z.strictObject({
  id: slug.describe('Id, used by roles and callers.'),
  baseUrl: urlWithoutCredentials(z.url({ protocol: /^https?$/ })).describe(
    'Up to and including /v1.',
  ),
  model: nonEmptyString.describe('Model name on the server.'),
  kind: z
    .enum(backendKinds)
    .default('generic')
    .describe('Server software: selects request fields and workarounds.'),
  vision: z
    .boolean()
    .default(false)
    .describe('Whether the model takes pictures (docs/attachments.md).'),
  names: z
    .array(nonEmptyString)
    .default([])
    .describe('More names of it in messages, besides its id, host and model family.'),
  concurrency: count(1).describe('Requests that the server runs in parallel.'),
  statusUrl: urlWithoutCredentials(z.url())
    .nullable()
    .default(null)
    .describe('URL of a status page with active_jobs and total_requests.'),
  apiKey: secret.nullable().default(null).describe('Sent as a bearer token.'),
  timeoutsMs: optionalSection({
    connect: timerMs(2_000).describe('Timeout of the connection.'),
    firstToken: timerMs(120_000).describe(
      'From the request to the first token; a large prompt takes minutes on a small machine.',
    ),
    idle: timerMs(45_000).describe('Between two tokens; a longer pause ends the request.'),
    total: timerMs(600_000).describe('Whole request; 0: no limit.'),
  }),
});

/** For servers with a self-signed certificate or a private CA, such as a NAS. */
const tlsTrust = {
  caFile: filePath.optional().describe('PEM file: your own authority, or the certificate itself.'),
  fingerprint256: nonEmptyString
    .optional()
    .describe("SHA-256 fingerprint of the server's certificate."),
};

const shared = z
  .boolean()
  .default(false)
  .describe('true: shared by all users; false: one per user.');

const calendarAlarms = {
  alarms: z
    .boolean()
    .default(true)
    .describe('Alarms of entries are messages to the people of the calendar.'),
  remindMinutes: z
    .int()
    .min(0)
    .max(20_160)
    .nullable()
    .default(null)
    .describe('Minutes before an entry that says nothing about alarms; null: no message.'),
};

const credentials = {
  username: nonEmptyString.describe('Login.'),
  password: secret.describe('Password; often an app password is required.'),
};

const mailFolder = z.strictObject({
  path: nonEmptyString.describe('Folder name on the server.'),
  words: z
    .array(nonEmptyString)
    .default([])
    .describe('Words in a message that mean this folder, in any language (회사, work).'),
});

const mailAccount = {
  name: nonEmptyString.optional().describe('Name in answers; default: the user name.'),
  host: nonEmptyString.describe('Host name of the IMAP server.'),
  port: port(993).describe('Port of the IMAP server.'),
  secure: z.boolean().default(true).describe('true: TLS; false: STARTTLS if the server offers it.'),
  ...credentials,
  folders: z
    .array(mailFolder)
    .optional()
    .describe('Folders that are searched besides INBOX, and their names in messages.'),
  users: z.array(nonEmptyString).optional().describe('Users that may read it; default: all users.'),
  ...tlsTrust,
};

export const configSchema = z.strictObject({
  server: serverSchema,
  persons: personsSchema,
  database: databaseSchema
    .prefault('./data/gatehouse.db')
    .describe('SQLite file; or postgres://user@host/database, also as a section with these keys.'),
  cluster: clusterSchema
    .nullable()
    .default(null)
    .describe('One of several workers on the same database (docs/cluster.md); null: the only one.'),
  dataFolder: folderPath
    .optional()
    .describe(
      'Folder of the embedded NATS server. Omitted: the folder of the SQLite file, else ./data.',
    ),
  nats: optionalSection({
    mode: z
      .enum(['auto', 'external', 'child', 'off'])
      .default('auto')
      .describe(
        'auto: the server at url, else an embedded server if nats-server is on PATH, else none.',
      ),
    url: nonEmptyString
      .nullable()
      .default(null)
      .describe('Address of the server, such as nats://127.0.0.1:4222.'),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, 'must be subject tokens joined by dots')
      .default('gatehouse.v1')
      .describe('Prefix of all subjects.'),
    user: nonEmptyString.nullable().default(null).describe('Login with user and password.'),
    password: secret.nullable().default(null).describe('Login with user and password.'),
    token: secret.nullable().default(null).describe('Login with a token.'),
    credsFile: filePath
      .nullable()
      .default(null)
      .describe('Login with a credentials file (JWT and nkey).'),
    caFile: filePath
      .nullable()
      .default(null)
      .describe('PEM file of the authority, if it is not public.'),
    certFile: filePath
      .nullable()
      .default(null)
      .describe('PEM file of the client certificate, if the server requires one.'),
    keyFile: filePath
      .nullable()
      .default(null)
      .describe('PEM file of the key of the client certificate.'),
    agent: agentSchema,
  }),
  timezone: z
    .string()
    .refine(
      (name) => name === 'auto' || isTimeZone(name),
      'must be an IANA time zone, such as Asia/Seoul',
    )
    .default('auto')
    .describe('Time zone of dates in messages and of drafts.window; auto: the zone of the machine.')
    .transform((name) => (name === 'auto' ? systemTimeZone() : name)),
  locale: z
    .enum(['auto', 'ko', 'en'])
    .default('auto')
    .describe('auto: the language of the message.'),
  backends: z
    .array(backend)
    .default([])
    .describe(
      'Model servers. Empty: local servers are discovered on their usual ports, else the practice model is used.',
    ),
  roles: optionalSection({
    classifier: slug
      .optional()
      .describe('Classifies messages, summarizes results, replaces the reasoner if it fails.'),
    reasoner: slug.optional().describe('Answers difficult questions.'),
    drafter: slug.optional().describe('Drafts documents from memos.'),
    ask: slug.optional().describe('Answers questions about documents.'),
    react: slug.optional().describe('Answers them with its own searches; needs tool calls.'),
  }).describe('Backend of each role; default: the first backend.'),
  pipelineEnabled: z
    .boolean()
    .default(true)
    .describe('false: the classifier answers instead of the reasoner.'),
  jobs: optionalSection({
    maxConcurrent: count(3).describe(
      'Jobs that run in parallel; jobs of one conversation run in order.',
    ),
    maxQueued: count(200).describe(
      'Maximum of waiting jobs; further jobs are refused with 429. A user may have half of them (at least 10).',
    ),
    messageMaxChars: count(8_000).describe('Maximum characters of a message.'),
    reasonPromptMaxChars: count(1_000).describe(
      'Maximum characters of a message that the reasoner gets.',
    ),
    toolTimeoutMs: timerMs(10_000).describe('Timeout of a tool call.'),
    classifyTimeoutMs: timerMs(30_000).describe(
      'Timeout of a classification; then the message is answered without it.',
    ),
    confirmTtlMs: durationMs(900_000).describe('Time that a draft waits for a confirmation.'),
    speculate: z
      .enum(['auto', 'always', 'never'])
      .default('auto')
      .describe(
        'Sends a question to the reasoner while it is classified, if its gate is free. auto: only when at least half of the latest questions were routed to the reasoner, it has another server than the classifier, and no API key.',
      ),
    heartbeatMs: timerMs(4_000, 50).describe(
      'Heartbeat: interval of the progress events of a running job.',
    ),
  }),
  pictures: picturesSchema,
  gates: optionalSection({
    maxQueue: count(64).describe('Maximum of waiting requests per backend.'),
    agingMs: durationMs(300_000).describe(
      "Aging: background work that has waited this long has the priority of a user's request.",
    ),
    preemptBackground: z
      .boolean()
      .default(true)
      .describe("true: a user's request aborts a running draft, which is queued again."),
    maxPreemptions: count(2, 0).describe('Maximum preemptions of one draft.'),
  }),
  conversation: optionalSection({
    historyMessages: count(10, 0).describe(
      'Earlier messages in a prompt; sometimes up to half as many more.',
    ),
    historyCharsMax: count(6_000, 0).describe(
      'Maximum characters of earlier messages; a single message has at most a quarter, the classifier gets half.',
    ),
    retentionDays: count(7).describe(
      'Retention of ended jobs, their events and deleted documents.',
    ),
  }),
  schedules: optionalSection({
    perUserMax: count(200).describe('Reminders and schedules of one person.'),
    chat: z.boolean().default(true).describe('Whether people can set reminders in chat.'),
    confirm: z
      .enum(['recurring', 'always', 'never'])
      .default('recurring')
      .describe(
        'Which reminders wait for a yes: those that repeat, all, or none; those whose words were doubtful always wait.',
      ),
    fallback: z
      .array(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match [A-Za-z0-9_-]{1,64}'))
      .max(16)
      .default([])
      .describe(
        'Channels, in this order, for a message that its own chat refuses; empty: the chats in which the person wrote, the last one first.',
      ),
  }),
  memory: optionalSection({
    perUserMax: count(10_000).describe('Facts of one person.'),
    chat: z
      .boolean()
      .default(true)
      .describe('Whether people can tell, list and forget facts in chat.'),
    promptFacts: count(8, 0).describe('Facts in one prompt, at most; 0: none.'),
    promptChars: count(1_000, 0).describe('Characters of all facts in one prompt, at most.'),
  }),
  drafts: optionalSection({
    intervalMs: timerMs(120_000, 100).describe(
      'Time between two searches for memos that want a draft; also the wait before the first retry.',
    ),
    batch: count(2).describe('Memos per search.'),
    minChars: count(20, 0).describe('A shorter memo gets no draft.'),
    maxAttempts: count(5).describe('Attempts; then a memo waits for a manual retry.'),
    window: z
      .string()
      .regex(
        /^([01]\d|2[0-4]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$/,
        'must look like 00:00-07:00; 22:00-06:00 goes over midnight',
      )
      .nullable()
      .default(null)
      .describe('Time of day in which drafts are written, such as 00:00-07:00; null: always.'),
  }),
  tools: optionalSection({
    calendar: z
      .discriminatedUnion('provider', [
        z.strictObject({ provider: z.literal('local'), shared, ...calendarAlarms }),
        z.strictObject({
          provider: z.literal('caldav'),
          ...calendarAlarms,
          url: urlWithoutCredentials(z.url()).describe(
            'URL of the calendar collection (recommended) or of the server.',
          ),
          ...credentials,
          calendar: nonEmptyString.optional().describe('Name of the calendar for new entries.'),
          users: z
            .array(nonEmptyString)
            .optional()
            .describe('Users that may see it; default: all users.'),
          ...tlsTrust,
        }),
      ])
      .prefault({ provider: 'local' })
      .describe('Calendar of appointments.'),
    email: z
      .discriminatedUnion('provider', [
        z.strictObject({ provider: z.literal('none') }),
        z.strictObject({
          provider: z.literal('imap'),
          ...mailAccount,
          accounts: z.array(z.strictObject(mailAccount)).default([]).describe('More accounts.'),
        }),
      ])
      .prefault({ provider: 'none' })
      .describe('Mail account; read only.'),
    documents: z
      .strictObject({
        provider: z.literal('local').describe('The own library.'),
        shared,
        answers: z
          .enum(['search', 'react'])
          .default('search')
          .describe('react: a model reads more of the found documents and answers from them.'),
      })
      .prefault({ provider: 'local' }),
  }),
  search: optionalSection({
    embeddings: z
      .strictObject({
        baseUrl: urlWithoutCredentials(z.url({ protocol: /^https?$/ })).describe(
          'Up to and including /v1.',
        ),
        model: nonEmptyString.describe('Embedding model; a change recomputes all vectors.'),
        apiKey: secret.nullable().default(null).describe('Sent as a bearer token.'),
        batch: z.number().int().min(1).max(32).default(16).describe('Texts per request.'),
        timeoutMs: timerMs(30_000).describe('Timeout of a request.'),
        queryTimeoutMs: timerMs(1_500).describe(
          'Maximum wait of a search for its vector; then full text only.',
        ),
        minSimilarity: z
          .number()
          .min(-1)
          .max(1)
          .default(0.3)
          .describe('Minimum cosine similarity; models of the e5 family need about 0.8.'),
      })
      .nullable()
      .default(null)
      .describe('Semantic search in addition to full-text search; null: off.'),
  }),
  mcp: mcpSchema.describe('Tools of other programs (Model Context Protocol).'),
  synology: synologySchema,
  telegram: telegramSchema,
  inspector: optionalSection({
    redaction: z
      .enum(['none', 'texts'])
      .default('none')
      .describe(
        'texts: texts of users, models and tools are shown as their lengths, for all viewers.',
      ),
  }),
  logging: optionalSection({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .describe('Texts of messages are logged at debug and below only.'),
    pretty: z
      .union([z.boolean(), z.literal('auto')])
      .default('auto')
      .describe('auto: readable on a terminal, JSON elsewhere.'),
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
