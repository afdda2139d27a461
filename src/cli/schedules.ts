/** `gatehouse schedules`: lists, adds, pauses, resumes, runs and cancels schedules, and shows what became of them. */
import type {
  RunsView,
  SchedulePage,
  ScheduleRule,
  ScheduleView,
} from '#shared/wire/schedule-service';
import { UsageError, type CoreClient, ofUser } from '#http/client/core-client';
import type { MemoryEvent } from '#shared/wire/memory-event';
import type { ScheduleEvent } from '#shared/wire/schedule-event';
import type { CommandValues } from './options.ts';
import { minuteMs } from '#shared/calendar/time-units';
import { localTime, printList } from './printed-list.ts';

type Values = Pick<CommandValues, 'user' | 'limit' | 'json'>;

export async function listSchedules(
  client: CoreClient,
  { user, limit, json, all }: Values & Pick<CommandValues, 'all'>,
): Promise<void> {
  const states = all ? (['open', 'done', 'cancelled'] as const) : (['open'] as const);
  const pages: SchedulePage[] = [];
  for (const state of states) {
    const query = { ...ofUser(user), ...(limit === undefined ? {} : { limit }), state };
    pages.push(await client.schedules(query));
  }
  const schedules = pages.flatMap((page) => page.schedules);
  const next = pages.find((page) => page.next !== null)?.next ?? null;
  const page: SchedulePage = { schedules, next, next_cursor: next };
  printList(page, schedules, {
    json,
    none: 'no schedules',
    line: scheduleLine,
  });
}

type NewScheduleValues = Pick<
  CommandValues,
  'at' | 'cron' | 'zone' | 'kind' | 'start' | 'end' | 'overlap' | 'channel' | 'thread'
> &
  Pick<CommandValues, 'count' | 'catch-up' | 'catch-up-minutes' | 'pause-on-failures'>;

/** @throws UsageError without one of --at and --cron, and for a number that is none */
export async function addSchedule(
  client: CoreClient,
  words: readonly string[],
  values: Values & NewScheduleValues,
): Promise<void> {
  const { zone, kind, channel, thread, start, end, overlap } = values;
  const minutes = numberOf('catch-up-minutes', values, 0);
  const given = {
    zone,
    kind,
    channel,
    thread,
    start: start === undefined ? undefined : wallTime(start),
    end: end === undefined ? undefined : wallTime(end),
    overlap,
    count: numberOf('count', values, 1),
    catch_up: values['catch-up'],
    catch_up_ms: minutes === undefined ? undefined : minutes * minuteMs,
    pause_on_failures: numberOf('pause-on-failures', values, 0),
  };
  const one = await client.createSchedule({
    text: words.join(' '),
    rule: ruleOf(values),
    ...ofUser(values.user),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  });
  console.log(values.json ? JSON.stringify(one) : scheduleLine(one));
}

export async function changeSchedule(
  client: CoreClient,
  verb: 'pause' | 'resume' | 'delete',
  id: string,
  { user, json }: Values,
): Promise<void> {
  const one = await client.changeSchedule(id, verb, ofUser(user));
  console.log(json ? JSON.stringify(one) : scheduleLine(one));
}

export async function runSchedule(
  client: CoreClient,
  id: string,
  { user, json }: Values,
): Promise<void> {
  const started = await client.runSchedule(id, ofUser(user));
  console.log(json ? JSON.stringify(started) : `runs as job ${started.job_id}`);
}

export async function showRuns(
  client: CoreClient,
  id: string,
  { user, limit, json }: Values,
): Promise<void> {
  const query = { ...ofUser(user), ...(limit === undefined ? {} : { limit }) };
  const runs = await client.scheduleRuns(id, query);
  if (json) return console.log(JSON.stringify(runs));
  for (const run of runs.runs) console.log(runLine(run));
  if (runs.runs.length === 0) console.log('has not run yet');
}

function ruleOf({ at, cron }: Pick<CommandValues, 'at' | 'cron'>): ScheduleRule {
  if ((at === undefined) === (cron === undefined)) {
    throw new UsageError('schedules add: say one of --at and --cron');
  }
  // A blank is how people write a time.
  return at === undefined ? { cron: cron! } : { once: wallTime(at) };
}

const wallTime = (text: string): string => text.trim().replace(/\s+/, 'T');

type NumberOption = 'count' | 'catch-up-minutes' | 'pause-on-failures';

function numberOf(
  name: NumberOption,
  values: Pick<CommandValues, NumberOption>,
  least: number,
): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  if (/^\d{1,6}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`--${name}: expected a number from ${least}, found ${text}`);
}

/** `01J… active  2026-12-03T09:00:00 Asia/Seoul  reminder ann: take the pill`. */
function scheduleLine(one: ScheduleView): string {
  const when = one.next_local === null ? '-' : `${one.next_local.replace('T', ' ')} ${one.zone}`;
  const notes = [
    one.pause_reason ?? '',
    one.missed > 0 ? `${one.missed} missed` : '',
    one.undelivered_at === null ? '' : `not delivered ${localTime(one.undelivered_at)}`,
  ].filter((note) => note !== '');
  const note = notes.length === 0 ? '' : `  [${notes.join('; ')}]`;
  const text = one.text.replaceAll(/\s+/g, ' ');
  return `${one.schedule_id}  ${one.state.padEnd(9)} ${when}  ${one.kind}  ${one.user_id}: ${text}${note}`;
}

function runLine({ wall, outcome, at, missed_before, job_id }: RunsView['runs'][number]): string {
  const missed = missed_before > 0 ? `, ${missed_before} missed before` : '';
  return `${wall.replace('T', ' ')}  ${outcome.padEnd(7)} ${localTime(at)}${missed}  job ${job_id}`;
}

/** For `gatehouse tail`. */
export const dataSummary = ({ data }: ScheduleEvent | MemoryEvent): string =>
  Object.entries(data)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 120);
