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
} from '#shared/config-fields';

const userIds = z.array(z.union([z.string(), z.number()]));

export const synologySchema = optionalSection({
  incomingUrl: z
    .url()
    .nullable()
    .default(null)
    .describe("The bot's incoming webhook, as the chat shows it."),
  token: secret
    .nullable()
    .default(null)
    .describe('Token of the bot; its outgoing webhook sends it.'),
  allowedUserIds: userIds
    .default([])
    .describe('Chat user ids that may use the bot; others get no answer.'),
  port: port(8101).describe('Port of the outgoing webhook.'),
  host: nonEmptyString
    .default('127.0.0.1')
    .describe('Address on which the bridge listens; the NAS must reach it.'),
  maxChars: count(1_800, 40).describe(
    'Maximum characters of a post; the chat refuses more than 2,000.',
  ),
  minIntervalMs: timerMs(600).describe(
    'Minimum time between two posts; the chat refuses faster posts.',
  ),
  caFile: filePath
    .nullable()
    .default(null)
    .describe('PEM file: the certificate of the NAS or of its authority.'),
  fingerprint256: nonEmptyString
    .nullable()
    .default(null)
    .describe('SHA-256 fingerprint of the certificate of the NAS.'),
  database: filePath.default('./data/synology.db').describe('Database file of the bridge.'),
  noticeDelayMs: timerMs(100).describe(
    'Delay of a notice; it is not posted if the answer arrives before.',
  ),
  ratePerMinute: count(30).describe('Messages of one user per minute.'),
  files: z
    .enum(['names', 'always', 'off'])
    .default('names')
    .describe('Posts that are checked for a file: those whose text is a file name, or all.'),
  quietRefusals: z
    .boolean()
    .default(false)
    .describe('true: refused messages of a known bot are answered with 200 too.'),
  users: z
    .record(z.string(), z.string().min(1).max(256))
    .default({})
    .describe('Chat user id → user id in Gatehouse, if it differs.'),
  bots: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,32}$/, 'must match [A-Za-z0-9_-]{1,32}')
          .describe('Name in this configuration.'),
        incomingUrl: z.url().describe('Incoming webhook of the bot.'),
        token: secret.describe('Token of the bot.'),
        allowedUserIds: userIds.describe('Chat user ids that may use it.'),
      }),
    )
    .default([])
    .describe('More bots.'),
  channels: z
    .array(
      z.strictObject({
        channelId: z.union([z.string(), z.number()]).optional().describe('Channel id in the chat.'),
        name: nonEmptyString.optional().describe('Channel name, in place of the id.'),
        incomingUrl: z.url().describe('URL of the incoming webhook that posts into the channel.'),
        token: secret.describe('Token of the outgoing webhook.'),
        triggerWords: z
          .array(nonEmptyString)
          .default([])
          .describe('Trigger word; removed from the start of a message.'),
        userIdMap: z
          .record(z.string(), z.union([z.string(), z.number()]))
          .describe('User id of the webhook → chat user id. Other users get no answer.'),
      }),
    )
    .default([])
    .describe('Channels; each needs an outgoing and an incoming webhook.'),
});

export type SynologySettings = z.infer<typeof synologySchema>;
