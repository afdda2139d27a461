/** A fake Telegram with a settable clock, and grammY's client as a caller that knows the real API. */
import { Api, GrammyError } from 'grammy';
import { afterEach } from 'vitest';
import { startFakeTelegram, type FakeTelegramOptions } from '#simulators/telegram/fake-telegram';
import type { FakeTelegram } from '#simulators/telegram/telegram-controls';

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

export interface TestTelegram extends FakeTelegram {
  api: Api;
  /** Moves the clock. */
  wait(ms: number): void;
}

/** Without limits of rate and without slowed polls, unless `rules` has them. */
export async function openTelegram(options: FakeTelegramOptions = {}): Promise<TestTelegram> {
  let now = 1_795_000_000_000;
  const telegram = await startFakeTelegram({
    clock: { now: () => now },
    ...options,
    rules: {
      chatIntervalMs: 0,
      groupPerMinute: 0,
      perSecond: 0,
      repeatedPollMs: 0,
      ...options.rules,
    },
  });
  open.push(() => telegram.close());
  return { ...telegram, api: apiOf(telegram), wait: (ms) => void (now += ms) };
}

/** One in which the first user has written to the bot. */
export async function started(): Promise<TestTelegram> {
  const telegram = await openTelegram();
  telegram.say({ userId: hana, text: '/start' });
  return telegram;
}

export const apiOf = ({ token, url }: Pick<FakeTelegram, 'token' | 'url'>): Api =>
  new Api(token, { apiRoot: url });

/** The code and the description of a refusal, or `done`. */
export const refusalOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'done',
    (error: unknown) => {
      if (!(error instanceof GrammyError)) throw error;
      return `${error.error_code} ${error.description}`;
    },
  );

/** The parameters of a refusal. */
export const parametersOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => null,
    (error: unknown) => (error as GrammyError).parameters,
  );

/** A raw call: `{status, body}` with the body as parsed JSON. */
export async function call(
  telegram: Pick<FakeTelegram, 'token' | 'url'>,
  method: string,
  init: RequestInit = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(`${telegram.url}/bot${telegram.token}/${method}`, init);
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body, headers: response.headers };
}

export const json = (value: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

/** Chats of the default simulator. */
export const hana = 501;
export const family = -401;
export const lab = -1_001_000_000_402;
