/** Schema of the section `synology`: the bridge, its bots and its channels (docs/synology.md). */
import { z } from 'zod';
import {
  count,
  filePath,
  timerMs,
  port,
  secret,
  optionalSection,
  nonEmptyString,
} from './zod-helpers.ts';

const userIds = z.array(z.union([z.string(), z.number()]));

export const synologySchema = optionalSection({
  incomingUrl: z
    .url()
    .nullable()
    .default(null)
    .describe("The bot's incoming webhook, as the chat shows it."),
  token: secret.nullable().default(null).describe("The bot's token, which what it sends carries."),
  allowedUserIds: userIds
    .default([])
    .describe("The chat's numbers of those who may talk to the bot; nobody else is answered."),
  port: port(8101).describe("Where the chat's outgoing webhook comes in."),
  host: nonEmptyString
    .default('127.0.0.1')
    .describe('Address that the bridge listens on: one that the NAS can reach.'),
  maxChars: count(1_800, 40).describe('Characters of one post; the chat refuses more than 2,000.'),
  minIntervalMs: timerMs(600).describe('Between two posts; the chat refuses what comes faster.'),
  caFile: filePath
    .nullable()
    .default(null)
    .describe('PEM of the certificate of the NAS, or of its authority.'),
  fingerprint256: nonEmptyString
    .nullable()
    .default(null)
    .describe('SHA-256 of the certificate of the NAS.'),
  database: filePath.default('./data/synology.db').describe("The bridge's own file."),
  noticeDelayMs: timerMs(100).describe(
    'A notice that its answer overtakes within this is not posted.',
  ),
  ratePerMinute: count(30).describe('Messages of one person.'),
  files: z
    .enum(['names', 'always', 'off'])
    .default('names')
    .describe('Which posts are looked at for a file: those whose text is the name of one, or all.'),
  quietRefusals: z
    .boolean()
    .default(false)
    .describe('true: what a known bot sends is answered 200 also where it is refused.'),
  users: z
    .record(z.string(), z.string().min(1).max(256))
    .default({})
    .describe("The chat's number of a person: the user's id in Gatehouse, where that is another."),
  bots: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,32}$/, 'must match [A-Za-z0-9_-]{1,32}')
          .describe('Its name here.'),
        incomingUrl: z.url().describe('Its incoming webhook.'),
        token: secret.describe('Its token.'),
        allowedUserIds: userIds.describe('Who may talk to it.'),
      }),
    )
    .default([])
    .describe('Further bots.'),
  channels: z
    .array(
      z.strictObject({
        channelId: z
          .union([z.string(), z.number()])
          .optional()
          .describe("The channel, by the chat's number."),
        name: nonEmptyString.optional().describe('Or by its name.'),
        incomingUrl: z.url().describe('Of the incoming webhook that posts into the channel.'),
        token: secret.describe('Of the outgoing webhook.'),
        triggerWords: z
          .array(nonEmptyString)
          .default([])
          .describe('Taken off the front of a message.'),
        userIdMap: z
          .record(z.string(), z.union([z.string(), z.number()]))
          .describe("The webhook's number of a person: the chat's. Nobody else is served."),
      }),
    )
    .default([])
    .describe('Channels, by an outgoing and an incoming webhook each.'),
});
