/** Doctor check of the schedules of the running core: places that no message reaches, pauses after failures, rules of zones. */
import { channelFault } from '#app/channels';
import type { Config } from '#app/config/config';
import { checkResultsOf, type CheckResult } from '#shared/check-result';
import { createZones } from '#shared/calendar/zoned-time';
import { messageOf } from '#shared/errors';
import {
  schedulePageMax,
  schedulePageSchema,
  type ScheduleView,
} from '#shared/wire/schedule-service';
import { getCorePage } from './json-page.ts';

const { fine, fault } = checkResultsOf('schedules');

const zones = createZones();

/** Schedules that are looked at; more are not read for a check. */
const lookedMax = 1_000;
const namedMax = 5;

export async function checkSchedules(config: Config): Promise<CheckResult[]> {
  let found: ScheduleView[];
  try {
    found = await openSchedules(config);
  } catch (error) {
    return [fault(`cannot be read (${messageOf(error)})`, 'GET /schedules of the core says more')];
  }
  return found.length === 0 ? [fine('none')] : judgeSchedules(found, config);
}

/** @param found those that are active or paused */
export async function judgeSchedules(
  found: readonly ScheduleView[],
  config: Config,
): Promise<CheckResult[]> {
  const faults = [
    ...(await unreachable(found, config)),
    ...named(
      found.filter(({ undelivered_at }) => undelivered_at !== null),
      'reached no channel of their people the last time',
      'see what the bridge says, or set schedules.fallback',
    ),
    ...named(
      found.filter((one) => one.state === 'paused' && one.pause_reason !== 'by a person'),
      'are paused, because their runs failed or they cannot be read',
      '`gatehouse schedules history ID` shows the runs; then `gatehouse schedules resume ID`',
    ),
    ...named(
      found.filter(({ zone }) => !zones.isKnownZone(zone)),
      'have a time zone that this Node does not know',
      'use a newer Node, or make them again with another zone',
    ),
    ...oldZones(),
  ];
  if (faults.length > 0) return faults;
  const looked = found.length < lookedMax ? `${found.length}` : `the first ${lookedMax}`;
  return [
    fine(`${looked} can be delivered; rules of time zones: ${process.versions['tz'] ?? '?'}`),
  ];
}

async function openSchedules(config: Config): Promise<ScheduleView[]> {
  const found: ScheduleView[] = [];
  for (let cursor: string | null = ''; cursor !== null && found.length < lookedMax;) {
    const query: string = `limit=${schedulePageMax}&cursor=${encodeURIComponent(cursor)}`;
    const page = schedulePageSchema.parse(await getCorePage(config, `/schedules?${query}`));
    found.push(...page.schedules);
    cursor = page.next;
  }
  return found;
}

async function unreachable(found: readonly ScheduleView[], config: Config): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const channel of new Set(found.map((one) => one.channel))) {
    const why = await channelFault(channel, config);
    if (why === null) continue;
    const theirs = found.filter((one) => one.channel === channel);
    results.push(
      ...named(theirs, `go to a channel that takes none: ${why}`, 'configure it, or cancel them'),
    );
  }
  return results;
}

function named(schedules: readonly ScheduleView[], what: string, advice: string): CheckResult[] {
  if (schedules.length === 0) return [];
  const ids = schedules.slice(0, namedMax).map(({ schedule_id }) => schedule_id);
  const more = schedules.length > namedMax ? ' …' : '';
  return [fault(`${schedules.length} ${what}: ${ids.join(', ')}${more}`, advice)];
}

/** Countries change their clocks with a notice of months: rules of the year before last are too old. */
function oldZones(): CheckResult[] {
  const version = process.versions['tz'] ?? '';
  const year = Number(version.slice(0, 4));
  if (!(year > 0) || year >= new Date().getUTCFullYear() - 1) return [];
  return [fault(`the rules of time zones are of ${version}`, 'use a newer Node')];
}
