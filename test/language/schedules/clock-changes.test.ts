/** What is said shortly before or after a clock change means the time that its speaker will see, in any zone of the process. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clockChangeCases, readClockChanges } from './clock-change-cases.ts';

const expected = clockChangeCases.map(([, , , wall]) => wall);

test('A request near a clock change means the time that its speaker will see', () => {
  const read = readClockChanges();
  const shown = clockChangeCases.map(([zone, said, message], at) => [
    zone,
    said,
    message,
    read[at],
  ]);
  expect(shown).toEqual(clockChangeCases);
});

test.each(['America/St_Johns', 'Pacific/Chatham', 'Asia/Kathmandu', 'UTC'])(
  'A request near a clock change means the same in a process of the zone %s',
  (TZ) => {
    const child = join(import.meta.dirname, 'clock-change-cases.ts');
    const printed = execFileSync(process.execPath, [child], {
      env: { ...process.env, TZ },
      encoding: 'utf8',
    });
    expect(printed.trim().split('\n')).toEqual(expected);
  },
);
