/** Calendars of a CalDAV server are found by any display name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCaldavClient } from '#tools/calendar/caldav-client';
import { radicaleMissing, startRadicale, type Radicale } from '#test/support/radicale';

const missing = radicaleMissing();
if (missing !== null) console.warn(`CalDAV tests skipped: ${missing}`);

const made = readFileSync(
  join(import.meta.dirname, 'cases/13-caldav-calendar-name-2027.xml'),
  'utf8',
);
/** The request that makes a calendar, with another name written as XML. */
const request = (name: string): string => made.replace('>2027<', `>${name}<`);

const names: [what: string, written: string, configured: string][] = [
  ['a year', '2027', '2027'],
  ['true', 'true', 'true'],
  ['false in capitals', 'FALSE', 'FALSE'],
  ['null', 'null', 'null'],
  ['a number with a last 0', '1.10', '1.10'],
  ['a number with a power', '1e3', '1e3'],
  ['a hexadecimal number', '0x10', '0x10'],
  ['a number with leading zeros', '007', '007'],
  ['a negative number', '-1', '-1'],
  ['more figures than a number keeps', '12345678901234567890', '12345678901234567890'],
  ['CDATA', '<![CDATA[2028]]>', '2028'],
  ['CDATA with markup', '<![CDATA[<b>가족</b>]]>', '<b>가족</b>'],
  ['named entities', 'Kim &amp; Park', 'Kim & Park'],
  ['a numeric entity', '&#50;029', '2029'],
  ['spaces around it', ' 2030 ', '2030'],
  ['decomposed Hangul', '가족 달력'.normalize('NFD'), '가족 달력'],
];

describe.skipIf(missing !== null)('a calendar on Radicale', () => {
  let radicale: Radicale;
  beforeAll(async () => {
    radicale = await startRadicale();
    for (const [index, [, written]] of names.entries())
      await radicale.makeCalendar(`named-${index}`, request(written));
    await radicale.makeCalendar('2031');
    await radicale.makeCalendar('empty-name', request(''));
  });
  afterAll(() => radicale?.stop());

  /** The last part of the address to which entries for this calendar are written, or an error code. */
  const writtenTo = async (calendar: string): Promise<string> => {
    const { url, username, password } = radicale;
    const client = createCaldavClient({ url, username, password, calendar });
    const signal = new AbortController().signal;
    const found = await client.calendars({ timeoutMs: 10_000, signal });
    if (!found.ok) return found.code;
    return found.value[0]?.split('/').at(-2) ?? 'none';
  };

  test.each(names.map((one, index) => [...one, index] as const))(
    'is found by a display name of this kind: %s',
    async (_what, _written, configured, index) => {
      expect(await writtenTo(configured)).toBe(`named-${index}`);
    },
  );

  test('is found by the end of its address if no calendar has that display name', async () => {
    expect(await writtenTo('2031')).toBe('2031');
    expect(await writtenTo('empty-name')).toBe('empty-name');
  });

  test('is not found by a number of equal value: 1.1 is not 1.10', async () => {
    expect(await writtenTo('1.1')).toBe('none');
    expect(await writtenTo('1000')).toBe('none');
  });
});
