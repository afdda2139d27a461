/** The contract of the calendar's storage port, for every database. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { StoredEvent } from '#tools/calendar/calendar-port';
import { useLibraryStores } from '#test/support/library-stores';
import { largeText, unusualTexts } from './storable-texts.ts';

const stores = useLibraryStores();

const event = (uid: string, more: Partial<StoredEvent> = {}): StoredEvent => ({
  uid,
  ics: `BEGIN:VCALENDAR ${uid}`,
  entry: `{"uid":${JSON.stringify(uid)}}`,
  firstWall: 1_000,
  lastWall: 2_000,
  ...more,
});
const uids = (rows: readonly { entry: string }[]): string[] =>
  rows.map(({ entry }) => (JSON.parse(entry) as { uid: string }).uid).sort();

describe.each(stores)('calendar events in $name', ({ missing, open }) => {
  beforeEach(({ skip }) => skip(missing !== null, missing ?? ''));

  test('are added once per owner and UID', async () => {
    const { calendar } = await open();
    expect(await calendar.add('ann', event('a'), 1)).toBe('added');
    expect(await calendar.add('ann', event('a', { ics: 'other' }), 2)).toBe('there');
    expect(await calendar.add('bob', event('a', { ics: 'of bob' }), 3)).toBe('added');
    expect(await calendar.text('ann', 'a')).toBe('BEGIN:VCALENDAR a');
    expect(await calendar.text('bob', 'a')).toBe('of bob');
    expect(await calendar.text('ann', 'unknown')).toBeNull();
    expect(await calendar.text('unknown', 'a')).toBeNull();
  });

  test('are put in one transaction, with the outcome of each in order', async () => {
    const { calendar } = await open();
    const [a, b] = [event('a'), event('b')];
    expect(await calendar.putAll('ann', [a, b], 1)).toEqual(['added', 'added']);
    const changed = { ...b, ics: 'changed', firstWall: 5_000, lastWall: 6_000 };
    expect(await calendar.putAll('ann', [event('c'), changed, a], 2)).toEqual([
      'added',
      'updated',
      'unchanged',
    ]);
    expect(uids(await calendar.touching('ann', 5_500, 5_600))).toEqual(['b']);
    expect(await calendar.putAll('ann', [], 3)).toEqual([]);
    expect(await calendar.putAll('ann', [event('d'), event('d', { ics: 'd2' })], 4)).toEqual([
      'added',
      'updated',
    ]);
  });

  test('that are based on another text than the stored one are refused, with all others', async () => {
    const { calendar } = await open();
    await calendar.add('ann', event('a', { ics: 'one' }), 1);
    const based = (basedOn: string | null) => ({ ...event('a', { ics: 'two' }), basedOn });
    for (const basedOn of ['older', null]) {
      const events = [event('new'), based(basedOn)];
      expect(await calendar.putAll('ann', events, 2)).toBe('conflict');
    }
    expect(await calendar.text('ann', 'new')).toBeNull();
    expect(await calendar.text('ann', 'a')).toBe('one');
    expect(await calendar.putAll('ann', [based('one')], 3)).toEqual(['updated']);
    expect(await calendar.putAll('bob', [based(null)], 4)).toEqual(['added']);
  });

  test('are found by their span: the start is inside the range, the end after its beginning', async () => {
    const { calendar } = await open();
    const spans: [string, number, number | null][] = [
      ['before', 0, 99],
      ['until', 0, 100],
      ['within', 150, 160],
      ['last', 199, 300],
      ['after', 200, 300],
      ['endless', 0, null],
      ['negative', -5_000, 100],
      ['later-endless', 200, null],
    ];
    for (const [uid, firstWall, lastWall] of spans) {
      await calendar.add('ann', event(uid, { firstWall, lastWall }), 1);
    }
    expect(uids(await calendar.touching('ann', 100, 200))).toEqual(
      ['endless', 'last', 'negative', 'until', 'within'].sort(),
    );
    expect(await calendar.touching('bob', 100, 200)).toEqual([]);
    expect(uids(await calendar.touching('ann', 8e15, 8.1e15))).toEqual([
      'endless',
      'later-endless',
    ]);
  });

  test('are read page by page in the order of their first storing, also while some change', async () => {
    const { calendar } = await open();
    for (let n = 0; n < 7; n += 1) await calendar.add('ann', event(`e${n}`), n);
    await calendar.add('bob', event('other'), 9);
    await calendar.putAll('ann', [event('e2', { ics: 'changed' })], 10);
    const read: string[] = [];
    for (let after = 0; ;) {
      const page = await calendar.textPage('ann', after, 3);
      read.push(...page.map(({ ics }) => ics));
      if (page.length < 3) break;
      after = page.at(-1)!.num;
    }
    expect(read).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((n) => (n === 2 ? 'changed' : `BEGIN:VCALENDAR e${n}`)),
    );
  });

  test('keep unusual texts as they are, also as UID and owner', async () => {
    const { calendar } = await open();
    for (const text of [...unusualTexts, largeText]) {
      const key = text.slice(0, 200);
      expect(await calendar.add(key, event(key, { ics: text, entry: text }), 1)).toBe('added');
      expect(await calendar.text(key, key)).toBe(text);
      expect(await calendar.touching(key, 0, 9_999)).toEqual([{ ics: text, entry: text }]);
    }
  });

  test('store a lone surrogate as U+FFFD', async () => {
    const { calendar } = await open();
    await calendar.add('ann', event('a', { ics: 'x\ud800y\udc00' }), 1);
    expect(await calendar.text('ann', 'a')).toBe('x\ufffdy\ufffd');
  });

  test('are refused with GH_STORE_UNAVAILABLE on a full disk, and none of them is written', async () => {
    const { calendar, fillDisk } = await open();
    await calendar.add('ann', event('a'), 1);
    const release = await fillDisk();
    const large = event('large', { ics: largeText });
    const refused = expect.objectContaining({ code: 'GH_STORE_UNAVAILABLE' });
    await expect(async () => calendar.add('ann', large, 2)).rejects.toThrow(refused);
    await expect(async () => calendar.putAll('ann', [event('b'), large], 2)).rejects.toThrow(
      refused,
    );
    expect(await calendar.textPage('ann', 0, 10)).toHaveLength(1);
    await release();
    expect(await calendar.putAll('ann', [event('b'), large], 3)).toEqual(['added', 'added']);
  });
});
