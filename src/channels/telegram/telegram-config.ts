/** Schema of the section `telegram`: the bridge, its bot and its groups (docs/telegram.md). */
import { z } from 'zod';
import {
  count,
  filePath,
  nonEmptyString,
  optionalSection,
  port,
  secret,
  timerMs,
  urlWithoutCredentials,
} from '#shared/config-fields';

const userId = z.union([z.string().regex(/^\d{1,20}$/, 'must be digits'), z.int().positive()]);
const groupId = z.union([z.string().regex(/^-\d{1,20}$/, 'must be negative'), z.int().negative()]);

export const telegramSchema = optionalSection({
  token: secret
    .overwrite((token) => token.trim())
    .regex(/^\d{1,20}:[A-Za-z0-9_-]{1,200}$/, 'must look like 123456:ABC, as BotFather shows it')
    .nullable()
    .default(null)
    .describe('Token of the bot, as BotFather shows it.'),
  apiRoot: urlWithoutCredentials(z.url({ protocol: /^https?$/ }))
    .overwrite((url) => url.replace(/\/+$/, ''))
    .default('https://api.telegram.org')
    .describe('Address of the Bot API; another one for a Bot API server of your own.'),
  allowedUserIds: z
    .array(userId)
    .default([])
    .describe('Telegram user ids that may use the bot, besides those of `persons`.'),
  groups: z
    .array(
      z.strictObject({
        id: groupId.describe('Id of the group: negative.'),
        triggerWords: z
          .array(nonEmptyString)
          .default([])
          .describe('Words that address the bot at the start of a message.'),
        allowedUserIds: z
          .array(userId)
          .optional()
          .describe('Who may use the bot there; default: all who may use it.'),
      }),
    )
    .default([])
    .describe('Groups in which the bot answers.'),
  port: port(8102).describe('Port of GET /healthz.'),
  host: nonEmptyString.default('127.0.0.1').describe('Address of GET /healthz.'),
  database: filePath.default('./data/telegram.db').describe('Database file of the bridge.'),
  noticeDelayMs: timerMs(100).describe(
    'Delay of a notice; it is not posted if the answer arrives before.',
  ),
  ratePerMinute: count(30).describe('Messages of one user per minute.'),
});

export type TelegramSettings = z.infer<typeof telegramSchema>;
