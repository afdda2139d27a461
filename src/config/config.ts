/**
 * The configuration file: every key, its unit and its default (docs/configuration.md is made from this).
 * A key that is not here is an error: a misspelt one must not be ignored.
 */
import { z } from 'zod';

const ms = (value: number) => z.number().int().min(0).default(value);
const count = (value: number, min = 1) => z.number().int().min(min).default(value);
const port = (value: number) => z.number().int().min(0).max(65_535).default(value);
const text = z.string().min(1);
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match [A-Za-z0-9_-]{1,64}');
/** An object whose keys all have defaults may be left out as a whole. */
const section = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape).prefault({} as never);

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
  id,
  baseUrl: z.url({ protocol: /^https?$/ }).describe('Up to and including /v1.'),
  model: text,
  kind: z.enum(backendKinds).default('generic'),
  concurrency: count(1).describe('Requests that the server really runs at once.'),
  statusUrl: z
    .url()
    .nullable()
    .default(null)
    .describe('A page with active_jobs and total_requests.'),
  apiKey: text.nullable().default(null),
  timeoutsMs: section({
    connect: ms(2_000),
    firstToken: ms(120_000),
    idle: ms(45_000),
    total: ms(600_000),
  }),
});

/** For servers with a certificate of their own, as on a NAS. */
const trust = {
  caFile: text
    .optional()
    .describe('PEM file: an authority of your own, or the certificate itself.'),
  fingerprint256: text.optional().describe("SHA-256 of the server's certificate."),
};

const mailAccount = {
  name: text.optional().describe('What it is called in answers; the user name if left out.'),
  host: text,
  port: port(993),
  secure: z.boolean().default(true),
  username: text,
  password: text,
  folders: z
    .array(z.strictObject({ path: text, words: z.array(text).default([]) }))
    .optional()
    .describe('Folders that are searched besides INBOX, and what people call them.'),
  users: z.array(text).optional().describe('Whose mail it is; left out: everybody.'),
  ...trust,
};

export const configSchema = z.strictObject({
  server: section({
    host: text.default('127.0.0.1'),
    port: port(8100).describe('0: any free port.'),
    apiKeys: z.array(text).default([]).describe('Empty: loopback only.'),
  }),
  database: text.default('./data/gatehouse.db'),
  nats: section({
    mode: z.enum(['auto', 'external', 'child', 'off']).default('auto'),
    url: text.nullable().default(null),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, 'must be subject tokens joined by dots')
      .default('gatehouse.v1'),
    user: text.nullable().default(null),
    password: text.nullable().default(null),
    token: text.nullable().default(null),
    credsFile: text.nullable().default(null),
    caFile: text
      .nullable()
      .default(null)
      .describe('PEM, where the certificate is not from a public authority.'),
    certFile: text.nullable().default(null),
    keyFile: text.nullable().default(null),
  }),
  timezone: z
    .string()
    .refine(isTimeZone, 'must be an IANA time zone, such as Asia/Seoul')
    .default('Asia/Seoul'),
  locale: z
    .enum(['auto', 'ko', 'en'])
    .default('auto')
    .describe('auto: the language of the message.'),
  backends: z
    .array(backend)
    .default([])
    .describe('Empty: looks for local servers on their usual ports, else the practice model.'),
  roles: section({
    classifier: id.optional(),
    reasoner: id.optional(),
    drafter: id.optional(),
    ask: id.optional(),
    react: id.optional(),
  }).describe('Which backend does what; one that is left out is the first backend.'),
  pipelineEnabled: z.boolean().default(true),
  jobs: section({
    maxConcurrent: count(3),
    maxQueued: count(200),
    messageMaxChars: count(8_000),
    reasonPromptMaxChars: count(1_000),
    toolTimeoutMs: ms(10_000),
    classifyTimeoutMs: ms(30_000),
    confirmTtlMs: ms(900_000),
    heartbeatMs: z.number().int().min(50).default(4_000),
  }),
  gates: section({
    maxQueue: count(64),
    agingMs: ms(300_000),
    preemptBackground: z.boolean().default(true),
    maxPreemptions: count(2, 0),
  }),
  conversation: section({ historyMessages: count(10, 0), retentionDays: count(7) }),
  drafts: section({
    intervalMs: z.number().int().min(100).default(120_000),
    batch: count(2),
    minChars: count(20, 0),
    maxAttempts: count(5),
    window: z
      .string()
      .regex(/^\d\d:\d\d-\d\d:\d\d$/, 'must look like 00:00-07:00')
      .nullable()
      .default(null),
  }),
  tools: section({
    calendar: z
      .discriminatedUnion('provider', [
        z.strictObject({ provider: z.literal('local'), shared: z.boolean().default(false) }),
        z.strictObject({
          provider: z.literal('caldav'),
          url: z.url(),
          username: text,
          password: text,
          calendar: text.optional().describe('Name of the calendar that new entries go to.'),
          users: z.array(text).optional().describe('Who sees it; left out: everybody.'),
          ...trust,
        }),
      ])
      .prefault({ provider: 'local' }),
    email: z
      .discriminatedUnion('provider', [
        z.strictObject({ provider: z.literal('none') }),
        z.strictObject({
          provider: z.literal('imap'),
          ...mailAccount,
          accounts: z.array(z.strictObject(mailAccount)).default([]).describe('Further accounts.'),
        }),
      ])
      .prefault({ provider: 'none' }),
    documents: z
      .strictObject({ provider: z.literal('local'), shared: z.boolean().default(false) })
      .prefault({ provider: 'local' }),
  }),
  synology: section({
    incomingUrl: z.url().nullable().default(null),
    token: text.nullable().default(null),
    allowedUserIds: z.array(z.union([z.string(), z.number()])).default([]),
    port: port(8101),
    host: text.default('127.0.0.1'),
    maxChars: count(1_800),
    minIntervalMs: ms(600),
    caFile: text.nullable().default(null),
    fingerprint256: text.nullable().default(null),
  }),
  logging: section({
    level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
    pretty: z.union([z.boolean(), z.literal('auto')]).default('auto'),
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
