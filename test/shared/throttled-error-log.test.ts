/** The log lines of a lasting error. */
import { expect, test } from 'vitest';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import { createLog } from '#shared/log';

interface Line {
  msg: string;
  error?: string;
  times?: number;
}

test('a lasting error is logged once, then once a minute with its count, then once as recovered', () => {
  const lines: Line[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Line);
  const log = createLog({ level: 'info', pretty: false }, { write });
  let now = 0;
  const fault = createThrottledErrorLog(log, 'it could not be stored', () => now);
  const during = (ms: number): void => {
    for (const end = now + ms; now < end; now += 250) fault.error(new Error('disk is full'));
  };
  const told = (): object[] =>
    lines.splice(0).map(({ msg, error, times }) => ({ msg, error, times }));

  fault.recovered();
  expect(told()).toEqual([]);
  during(150_000);
  const msg = 'it could not be stored';
  expect(told()).toEqual([
    { msg, error: 'disk is full', times: 1 },
    { msg, error: 'disk is full', times: 241 },
    { msg, error: 'disk is full', times: 481 },
  ]);
  fault.recovered();
  fault.recovered();
  expect(told()).toEqual([{ msg: `${msg}: working again`, error: undefined, times: 600 }]);
  // An error that alternates with recoveries gives no more lines per minute.
  for (let n = 0; n < 480; n += 1) {
    during(250);
    fault.recovered();
  }
  expect(told().length).toBeLessThanOrEqual(6);
});
