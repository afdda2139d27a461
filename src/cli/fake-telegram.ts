/** `gatehouse fake-telegram`: runs a simulated Telegram with a web page, to try a bot, until a stop signal. */
import { randomBytes } from 'node:crypto';
import { UsageError } from '#http/client/core-client';
import { startFakeTelegram, type FakeTelegramOptions } from '#simulators/telegram/fake-telegram';
import type { FakeTelegram } from '#simulators/telegram/telegram-controls';
import {
  runUntilStopped,
  sectionLines,
  simulatorOptions,
  started,
  type SimulatorValues,
} from './simulator-command.ts';

/** Next to the ports of the other simulator. */
const usualPort = 8_120;

export async function fakeTelegram(values: SimulatorValues, json: boolean): Promise<void> {
  const telegram = await started(() => startFakeTelegram(optionsOf(values)));
  const config = configOf(telegram);
  const { url, pageUrl } = telegram;
  const text = json
    ? JSON.stringify({ url, pageUrl, telegram: config })
    : instructions(telegram, config);
  await runUntilStopped(telegram, text);
}

function optionsOf(values: SimulatorValues): FakeTelegramOptions {
  const { host } = values;
  // The default token is public: on an address beyond this machine anybody could read the bot's messages with it.
  const token = values.token ?? (host === undefined ? undefined : freshToken());
  if (token !== undefined && !/^[1-9]\d*:[\w-]+$/.test(token)) {
    throw new UsageError('--token: expected the form 123456:ABC-abc');
  }
  return { ...simulatorOptions(values, usualPort), ...(token === undefined ? {} : { token }) };
}

/** 35 characters after the id of the bot, as in Telegram. */
const freshToken = (): string =>
  `${7_000_000_000 + randomBytes(3).readUIntBE(0, 3)}:${randomBytes(27).toString('base64url').slice(0, 35)}`;

/** The bridge's section of a configuration for this simulator. */
const configOf = ({ token, url, status }: FakeTelegram) => ({
  token,
  apiRoot: url,
  allowedUserIds: status().users.map(({ id }) => id),
});

const instructions = (telegram: FakeTelegram, config: ReturnType<typeof configOf>): string =>
  `The chats are at  ${telegram.pageUrl}
The Bot API is at ${telegram.url}

In gatehouse.yaml, for the bridge:

telegram:
${sectionLines(config)}
`;
