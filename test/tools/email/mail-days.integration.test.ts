/**
 * Mail of given days on a real server and on today's date: from the sentence through the rule and the tool to IMAP. A
 * bound that is not in the past is left out, and the result is cut at midnight in the zone of the user.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { route } from '#language/rules/route';
import { dateCriteria } from '#tools/email/imap-search';
import { dovecotMissing, startDovecot, type Dovecot } from '#test/support/dovecot';
import {
  dayAfter,
  dayIn,
  momentsAhead,
  momentsOfClock,
  weekAfter,
  type Moment,
} from '#test/support/test-moments';
import { account, askedAt, daysBefore, imapProxy, search } from './mail-setting.ts';
import { modernMail } from './mails.ts';

const missing = dovecotMissing();
const hourMs = 3_600_000;

/** First and last day of a sentence. */
type Range = (today: string) => readonly [from: string, to: string];
const today: Range = (day) => [day, day];
const yesterday: Range = (day) => [dayAfter(day, -1), dayAfter(day, -1)];
const week: Range = (day) => weekAfter(day, 0);
const sevenDays: Range = (day) => [dayAfter(day, -6), day];

const sentences: readonly (readonly [sentence: string, range: Range, word: string])[] = [
  ['메일 확인해줘', sevenDays, ''],
  ['오늘 메일 확인해줘', today, ''],
  ['오늘 온 메일 보여줘', today, ''],
  ['어제 온 메일 있어?', yesterday, ''],
  ['이번 주 메일 확인해줘', week, ''],
  ['최근 7일 메일 보여줘', sevenDays, ''],
  ['계약서 메일 찾아줘', sevenDays, '계약서'],
  ['오늘 계약서 메일 찾아줘', today, '계약서'],
  ['어제 온 메일 중에 계약서 찾아줘', yesterday, '계약서'],
  ['이번 주 계약서 관련 메일 찾아줘', week, '계약서'],
  ['최근 7일 계약서 메일 찾아줘', sevenDays, '계약서'],
  ['check my mail', sevenDays, ''],
  ['mails from today', today, ''],
  ['show me mails from yesterday', yesterday, ''],
  ['show mails from this week', week, ''],
  ['mails from the last 7 days', sevenDays, ''],
  ['emails about invoice from today', today, 'invoice'],
  ['show me emails about invoice from the last 7 days', sevenDays, 'invoice'],
];

/** Sends the sentence through the rules to the tool, as the assistant does, and returns the result of the tool. */
async function say(sentence: string, moment: Moment, port: number) {
  const { now, timeZone } = moment;
  const decided = route(sentence, { now, timeZone, pendingDraft: false });
  if (decided.kind !== 'decision' || decided.decision.action !== 'tools') {
    throw new Error(`no rule takes: ${sentence}`);
  }
  const [call] = decided.decision.calls ?? [];
  return search([account({ port })], call?.params ?? {}, askedAt(moment));
}

describe.skipIf(missing !== null)('mail of given days on a real server', () => {
  let dovecot: Dovecot;
  const moments = momentsOfClock();
  const arrivals: { at: number; words: string }[] = [];

  beforeAll(async () => {
    dovecot = await startDovecot(['INBOX']);
    // One minute before and after midnight in each zone, ten days back, and now.
    const times = moments.flatMap((moment) =>
      Array.from({ length: 11 }, (_, days) => [
        daysBefore(moment, days, '00:01').getTime(),
        daysBefore(moment, days, '23:59').getTime(),
      ]).flat(),
    );
    const now = Date.now() - 60_000;
    const past = [...new Set([...times, now])].filter((at) => at <= now).sort((a, b) => a - b);
    for (const [index, at] of past.entries()) {
      const words = ['계약서', 'invoice', '소식'][index % 3] ?? '';
      arrivals.push({ at, words });
      const subject = `${words} ${new Date(at).toISOString()}`;
      const mail = await modernMail({ from: 'a@example.org', subject, text: '본문' });
      dovecot.deliver('INBOX', mail, new Date(at));
    }
  });
  afterAll(() => dovecot?.stop());

  describe.each(moments)('$name', (moment) => {
    test.each(sentences)('"%s" lists the mail of its days', async (sentence, rangeOf, word) => {
      const [from, to] = rangeOf(moment.today);
      const expected = arrivals
        .filter(({ words }) => words.includes(word))
        .filter(({ at }) => {
          const day = dayIn(moment.timeZone, at);
          return day >= from && day <= to;
        })
        .sort((a, b) => b.at - a.at)
        .map(({ at, words }) => `${words} ${new Date(at).toISOString()}`);
      const { ok, data, subjects } = await say(sentence, moment, dovecot.port);
      expect(ok).toBe(true);
      expect(data.count).toBe(expected.length);
      // The order of mails of the same minute is not defined.
      expect(subjects.toSorted()).toEqual(expected.slice(0, 10).toSorted());
    });
  });

  /** Servers that answer differently from Dovecot. */
  const servers: readonly {
    name: string;
    answer: (command: string) => string | null;
    edit?: (text: string) => string;
  }[] = [
    { name: 'has no WITHIN', answer: () => null, edit: (text) => text.replaceAll(' WITHIN', '') },
    {
      name: 'says BAD to intervals',
      answer: (command) => (/ (YOUNGER|OLDER) /.test(command) ? 'BAD unknown search key' : null),
    },
    {
      name: 'says NO to any search by days',
      answer: (command) => (/ (YOUNGER|OLDER|SINCE|BEFORE) /.test(command) ? 'NO not here' : null),
    },
    {
      name: 'cannot search at all',
      answer: (command) => (command.startsWith('UID SEARCH') ? 'BAD unknown command' : null),
    },
    {
      name: 'has neither ESEARCH nor WITHIN',
      answer: () => null,
      edit: (text) => text.replaceAll(/ ESEARCH| WITHIN/g, ''),
    },
  ];
  test.each(servers)(
    'a server that $name still lists the mail of the days',
    async ({ answer, edit }) => {
      const proxy = await imapProxy(dovecot.port, answer, edit);
      const [moment] = moments;
      if (moment === undefined) throw new Error('no moment');
      for (const [sentence, rangeOf] of [
        ['오늘 메일 확인해줘', today],
        ['어제 온 메일 있어?', yesterday],
        ['메일 확인해줘', sevenDays],
      ] as const) {
        const [from, to] = rangeOf(moment.today);
        const expected = arrivals.filter(({ at }) => {
          const day = dayIn(moment.timeZone, at);
          return day >= from && day <= to;
        });
        const { data } = await say(sentence, moment, proxy.port);
        expect([sentence, data.count]).toEqual([sentence, expected.length]);
      }
      await proxy.close();
    },
  );

  test('the command of the case file is not repeated: no interval is zero or negative', async () => {
    const bad = readFileSync(new URL('cases/14-imap-within.txt', import.meta.url), 'utf8');
    expect(bad).toContain('OLDER 0');
    const proxy = await imapProxy(dovecot.port, () => null);
    const [moment] = moments;
    if (moment === undefined) throw new Error('no moment');
    const asked = [{}, { days: 1 }, { query: '계약서' }, { date_from: moment.today }];
    const ahead = [{ date_from: dayAfter(moment.today, 3), date_to: dayAfter(moment.today, 9) }];
    for (const params of [...asked, ...ahead]) {
      const { ok } = await search([account({ port: proxy.port })], params, askedAt(moment));
      expect(ok).toBe(true);
    }
    const commands = proxy.seen.filter((line) => line.includes('SEARCH'));
    expect(commands.length).toBeGreaterThan(asked.length);
    expect(commands.filter((line) => /(OLDER|YOUNGER) (0|-)/.test(line))).toEqual([]);
    await proxy.close();
  });
});

describe('the bounds of a search by days', () => {
  const now = Date.now();
  const query = (from: number, to: number) => ({
    from,
    to,
    words: [],
    sender: [],
    folder: null,
  });

  test.each(momentsAhead())(
    'lie a day outside the requested days, and only in the past: $name',
    (moment) => {
      const from = daysBefore(moment, 6, '00:00').getTime();
      const to = daysBefore(moment, -1, '00:00').getTime();
      const { since, before } = dateCriteria(query(from, to), moment.now);
      expect(since).toEqual(new Date(from - 24 * hourMs));
      expect(before).toBeUndefined();
    },
  );

  test('are two for days in the past', () => {
    const { since, before } = dateCriteria(query(now - 100 * hourMs, now - 76 * hourMs), now);
    expect(since).toEqual(new Date(now - 124 * hourMs));
    expect(before).toEqual(new Date(now - 52 * hourMs));
  });

  test.each([
    ['the day before yesterday', now - 72 * hourMs, now - 24 * hourMs],
    ['days that are still to come', now + 48 * hourMs, now + 72 * hourMs],
    ['the day after tomorrow', now + 24 * hourMs, now + 48 * hourMs],
  ])('are left out if they are not in the past: %s', (_name, from, to) => {
    const days = dateCriteria(query(from, to), now);
    for (const bound of Object.values(days)) {
      expect((bound as Date).getTime()).toBeLessThan(now - 999);
    }
  });
});
