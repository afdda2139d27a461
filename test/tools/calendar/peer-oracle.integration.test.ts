/**
 * Differential test against another implementation: Debian's python3-recurring-ical-events (2.0.1), with random
 * calendars. If the results differ, the calendar is rewritten by the differences that apply to it (peer-differences.ts,
 * each with its paragraph of RFC 5545), and then the results must be equal.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileOccurrences, type FileOccurrence } from '#tools/calendar/file-occurrences';
import { parseIsoDate } from '#shared/calendar/zoned-time';
import {
  recurringIcalEventsMissing,
  startRecurringIcalEvents,
  type Peer,
} from '#test/support/recurring-ical-events';
import {
  generatedCalendars,
  textOf,
  zones,
  type GeneratedCalendar,
} from './generated-calendars.ts';
import { differences, rewritten } from './peer-differences.ts';
import { exampleOf } from './peer-difference-examples.ts';

const missing = recurringIcalEventsMissing();

describe.skipIf(missing !== null)(
  `the calendar against recurring_ical_events ${missing ?? ''}`,
  () => {
    let peer: Peer;
    beforeAll(() => {
      peer = startRecurringIcalEvents();
    });
    afterAll(() => peer.stop());

    test('gives the same occurrences for 2,200 calendars', { timeout: 120_000 }, async () => {
      let occurrences = 0;
      await fc.assert(
        fc.asyncProperty(generatedCalendars, async (calendar) => {
          occurrences += await agreement(calendar);
        }),
        { numRuns: 2_200, seed: 20_270_115, endOnFailure: true },
      );
      expect(occurrences).toBeGreaterThan(10_000);
    });

    test(
      'gives the same occurrences for 300 calendars of a new seed',
      { timeout: 60_000 },
      async () => {
        await fc.assert(
          fc.asyncProperty(
            generatedCalendars,
            async (calendar) => void (await agreement(calendar)),
          ),
          { numRuns: 300, endOnFailure: true },
        );
      },
    );

    test.each(differences)(
      'follows RFC 5545 where the peer does not: $name ($rfc)',
      async (one) => {
        const example = exampleOf(one.name);
        const own = ownLines(example);
        expect(own.length).toBeGreaterThan(0);
        expect(await peerLines(example)).not.toEqual(own);
        const other = { ...example, series: example.series.flatMap(one.rewrite) };
        expect(await peerLines(other)).toEqual(own);
      },
    );

    /** The number of equal occurrences. Throws if the results differ. */
    async function agreement(calendar: GeneratedCalendar): Promise<number> {
      const own = ownLines(calendar);
      if (isSame(own, await peerLines(calendar))) return own.length;
      const others = await peerLines(rewritten(calendar));
      const window = `${calendar.from} to ${calendar.to}, ${calendar.zone}`;
      expect(own, `${window}\n${textOf(calendar)}`).toEqual(others);
      return own.length;
    }

    async function peerLines(calendar: GeneratedCalendar): Promise<string[] | string> {
      const { from, to, zone } = calendar;
      const answer = await peer.ask({ ics: textOf(calendar), from, to, zone });
      return 'error' in answer ? answer.error : linesOf(answer.occurrences);
    }
  },
);

function ownLines(calendar: GeneratedCalendar): string[] {
  const [from, to] = [parseIsoDate(calendar.from) ?? 0, parseIsoDate(calendar.to) ?? 0];
  const text = textOf(calendar);
  const { occurrences, unreadable, cut } = fileOccurrences(
    text,
    { from, to },
    calendar.zone,
    zones,
  );
  expect([...unreadable, ...cut], text).toEqual([]);
  return linesOf(occurrences);
}

/** One comparable line per occurrence: full times, and the UID without the suffix of a rewriting. */
const linesOf = (occurrences: readonly FileOccurrence[]): string[] =>
  occurrences
    .map(({ start, end, all_day: allDay, title, uid }) => {
      return `${fullTime(start)} ${fullTime(end)} ${allDay ? 'all day' : ''} ${title} ${uid.replace(/\+.*/, '')}`;
    })
    .sort();

const fullTime = (time: string): string => `${time}${'0000-00-00T00:00:00'.slice(time.length)}`;

const isSame = (own: readonly string[], others: readonly string[] | string): boolean =>
  typeof others !== 'string' && own.join('\n') === others.join('\n');
