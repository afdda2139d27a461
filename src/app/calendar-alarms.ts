/** Wires the alarms of calendar entries to the schedules: whose calendar is read, and where its alarms go. */
import { localeOf } from '#machines/texts';
import { AlarmPlanner, type AlarmPlace, type AlarmSource } from '#schedules/calendar-alarms';
import { timeText } from '#schedules/schedule-texts';
import type { ScheduleService } from './schedule-service.ts';
import { createZones, wallClockTime, wallIsoDate, type Zones } from '#shared/calendar/zoned-time';
import type { Persons } from '#shared/persons';
import type { LiveSource } from '#shared/wire/live-source';
import type { WrittenIn } from '#jobs/store/job-queries';
import type { CalendarSource, EventStorage } from '#tools/calendar/calendar-port';
import type { CalendarAlarm } from '#tools/calendar/alarm-times';
import { bridgeChannelNames } from './channels.ts';
import type { CoreParts } from './core-parts.ts';
import { placeIn } from './schedule-reach.ts';
import type { Stores } from './stores/stores.ts';

/** People with a calendar of their own. */
const peopleMax = 1_000;
/** The last messages of a person, among which the place for alarms is chosen. */
const jobsLooked = 200;
/** Id of messages without a user. */
const unnamedUser = 'local';

type AlarmParts = Pick<CoreParts, 'config' | 'persons' | 'stores' | 'clock' | 'log'> & {
  schedules: Pick<ScheduleService, 'planning'>;
};

/** Null: alarms are switched off. Each worker of a cluster plans those of the people whose partitions it owns. */
export async function createCalendarAlarms(parts: AlarmParts): Promise<AlarmPlanner | null> {
  const { config, clock, log, schedules } = parts;
  if (!config.tools.calendar.alarms) return null;
  const zones = createZones();
  return new AlarmPlanner({
    ...schedules.planning,
    source: await alarmSource(parts, zones),
    zones,
    zone: config.timezone,
    clock,
    log,
  });
}

/**
 * Starts the planner. It also looks when a person writes for the first time since the start: alarms of their calendar had
 * no place until then. Returns the function that stops it.
 */
export function startAlarms(alarms: AlarmPlanner, hub: LiveSource): () => Promise<void> {
  const known = new Set<string>();
  const end = hub.subscribe(null, {
    event({ type, user_id: userId, data }) {
      // The job of a schedule is no message of the person.
      if (type !== 'ack' || data['schedule'] !== undefined) return;
      if (known.has(userId) || known.size >= peopleMax) return;
      known.add(userId);
      alarms.wake(userId);
    },
    token: () => undefined,
  });
  alarms.start();
  return async () => {
    end();
    await alarms.stop();
  };
}

/** The stores, with a call after each change of the local calendar. */
export function watchCalendar(stores: Stores, onChanged: (owner: string) => void): Stores {
  const { calendar: storage } = stores;
  const calendar: EventStorage = {
    async add(owner, event, now) {
      const outcome = await storage.add(owner, event, now);
      if (outcome === 'added') onChanged(owner);
      return outcome;
    },
    async putAll(owner, events, now) {
      const outcomes = await storage.putAll(owner, events, now);
      onChanged(owner);
      return outcomes;
    },
    touching: (owner, from, to) => storage.touching(owner, from, to),
    textPage: (owner, after, limit) => storage.textPage(owner, after, limit),
    text: (owner, uid) => storage.text(owner, uid),
  };
  return { ...stores, calendar };
}

async function alarmSource(parts: AlarmParts, zones: Zones): Promise<AlarmSource> {
  const { config, stores, clock, log } = parts;
  // Not before it is needed: a core whose alarms are off loads no client of a server.
  const { calendarSource } = await import('#tools/calendar/calendar-tool');
  const { alarmsIn, alarmLagMs, alarmLeadMs } = await import('#tools/calendar/alarm-times');
  const settings = { calendar: config.tools.calendar };
  const source: CalendarSource = calendarSource({
    settings,
    calendar: stores.calendar,
    zones,
    log,
  });
  const viewerZone = config.timezone;
  return {
    calendars: createCalendars(parts),
    async alarms(userId, from, to) {
      const range = {
        from: zones.toWallTime(from, viewerZone) - alarmLagMs,
        to: zones.toWallTime(to, viewerZone) + alarmLeadMs,
      };
      const limitMs = config.jobs.toolTimeoutMs;
      const found = await source.entriesIn(range, {
        userId,
        locale: config.locale === 'en' ? 'en' : 'ko',
        now: new Date(clock.now()).toISOString(),
        timeZone: viewerZone,
        signal: AbortSignal.timeout(limitMs),
        key: 'calendar-alarms',
        limitMs,
      });
      if (!found.ok) throw new Error(`${found.code}: ${found.message}`);
      if (found.unreadable.length > 0) {
        log.debug({ lines: found.unreadable.slice(0, 5) }, 'entries without alarms: unreadable');
      }
      const remindMinutes = config.tools.calendar.remindMinutes ?? null;
      const window = { from, to, viewerZone, remindMinutes };
      return alarmsIn(found.entries, window, zones).map((alarm) => ({
        key: JSON.stringify([alarm.occurrence.uid, alarm.original]),
        at: alarm.at,
        text: textOf(alarm, viewerZone),
      }));
    },
  };
}

/** Own calendars: one per person. A shared calendar has one reader, and its alarms go to all who may see it. */
function createCalendars({ config, persons, stores }: AlarmParts): AlarmSource['calendars'] {
  const { calendar } = config.tools;
  const known = createKnownPlaces(stores, persons);
  return async (of) => {
    const isOwn = calendar.provider === 'local' && !calendar.shared;
    const places = isOwn && of !== undefined ? await known.of(of) : await known.all();
    if (isOwn) return places.map((place) => ({ userId: place.userId, places: [place] }));
    const named = calendar.provider === 'caldav' ? calendar.users : undefined;
    // What is left of a person's earlier id is no second reader.
    const readers = places.filter(
      ({ channel, userId }) => persons.userOf(channel, userId) === userId,
    );
    const seers = named === undefined ? chatPeople(readers) : readers.filter(isNamed(named));
    return seers.length === 0 ? [] : [{ userId: seers[0]!.userId, places: seers }];
  };
}

interface KnownPlace {
  /** Number of the last job that was looked at. */
  num: number;
  inChat: AlarmPlace | null;
  anywhere: AlarmPlace | null;
}

/** Where each person wrote last. Only the jobs since the last look are read: most people have written nothing since. */
function createKnownPlaces({ queries }: AlarmParts['stores'], persons: Persons) {
  const known = new Map<string, KnownPlace>();
  const look = async (userId: string, newest?: number): Promise<AlarmPlace[]> => {
    const before = known.get(userId) ?? { num: 0, inChat: null, anywhere: null };
    let now = before;
    if (newest === undefined || newest > before.num) {
      const all = await queries.writtenIn(userId, before.num, jobsLooked);
      const written = all.filter(({ channel }) => persons.addressOf(userId, channel) !== null);
      const inChat = written.find(({ channel }) => bridgeChannelNames.includes(channel));
      const toPlace = (one: WrittenIn | undefined): AlarmPlace | null =>
        one === undefined
          ? null
          : { userId, channel: one.channel, thread: placeIn(one, userId, persons)?.thread ?? null };
      now = {
        num: newest ?? all[0]?.num ?? before.num,
        inChat: toPlace(inChat) ?? before.inChat,
        anywhere: toPlace(written[0]) ?? before.anywhere,
      };
      known.set(userId, now);
    }
    const place = now.inChat ?? now.anywhere;
    return place === null ? [] : [place];
  };
  return {
    async all(): Promise<AlarmPlace[]> {
      const people = await queries.people(peopleMax);
      const places: AlarmPlace[] = [];
      for (const { user_id: userId, newest } of people)
        places.push(...(await look(userId, newest)));
      return places;
    },
    of: (userId: string): Promise<AlarmPlace[]> => look(userId),
  };
}

const isNamed =
  (users: readonly string[]) =>
  ({ userId }: AlarmPlace): boolean =>
    users.includes(userId);

/** Callers of an API are no people of a family calendar: only people of a chat are, or the user without a name. */
function chatPeople(places: readonly AlarmPlace[]): AlarmPlace[] {
  const inChat = places.filter(({ channel }) => bridgeChannelNames.includes(channel));
  return inChat.length > 0 ? inChat : places.filter(({ userId }) => userId === unnamedUser);
}

/** `dentist`, then `2026-12-03 (Thu) 15:00–16:00 Asia/Seoul, Main St 1`. */
function textOf({ occurrence }: CalendarAlarm, zone: string): string {
  const { title, location, start, end, allDay } = occurrence;
  const locale = localeOf(title);
  const place = location === '' ? '' : `, ${location}`;
  const when = timeText(start, zone, locale);
  if (allDay) {
    const day = when.slice(0, when.indexOf(')') + 1);
    return `${title}\n${day}, ${locale === 'ko' ? '하루 종일' : 'all day'}${place}`;
  }
  const isSameDay = wallIsoDate(start) === wallIsoDate(end - 1);
  const until = end > start && isSameDay ? `–${wallClockTime(end)}` : '';
  const clock = wallClockTime(start);
  return `${title}\n${when.replace(` ${clock} `, ` ${clock}${until} `)}${place}`;
}
