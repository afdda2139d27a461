/**
 * The requests that a CalDAV server is asked (RFC 4791), and what their failures mean. tsdav has the XML and
 * the discovery; times, bounds and trust are ours.
 *
 * 1. Every request is bounded and abortable; a wedged server costs its share of the limit.
 * 2. No password in any message.
 */
import { calendarQuery, createAccount, propfind, type DAVResponse } from 'tsdav';
import { messageOf } from '../../lib/errors.ts';
import { createExchange, ExchangeError, type Exchange } from '../http-exchange.ts';
import type { TlsTrust } from '../../lib/tls-trust.ts';
import type { CalendarFault } from './calendar-port.ts';

export interface CaldavServer extends TlsTrust {
  /** A calendar itself, or the server or user under which calendars are found. */
  url: string;
  username: string;
  password: string;
  /** Display name of the calendar that new entries go to; the first one if absent. */
  calendar?: string | undefined;
}

export interface RequestBounds {
  timeoutMs: number;
  signal: AbortSignal;
}

export interface CalendarObject {
  url: string;
  ics: string;
}

/** Why a request has no result. */
export interface Unanswered {
  ok: false;
  fault: CalendarFault;
  /** False: no byte of the request can have left this machine. */
  wasReached: boolean;
  /** The server itself said no, so it has not done it. */
  wasRefused: boolean;
}

export type Answered<Value> = { ok: true; value: Value } | Unanswered;

export interface CaldavClient {
  /** URLs of the calendars that hold events; the one that takes new entries first. */
  calendars(bounds: RequestBounds): Promise<Answered<string[]>>;
  /** Objects with an event that may touch the range (ISO instants, half open). */
  objectsIn(
    calendar: string,
    range: { from: string; to: string },
    bounds: RequestBounds,
  ): Promise<Answered<CalendarObject[]>>;
  /** The text of an object, null where there is none at this URL. */
  read(url: string, bounds: RequestBounds): Promise<Answered<string | null>>;
  /** Whether the calendar has an event of this UID, under whatever URL the server gave it. */
  hasUid(calendar: string, uid: string, bounds: RequestBounds): Promise<Answered<boolean>>;
  /** Writes an object unless the URL is taken. */
  create(url: string, ics: string, bounds: RequestBounds): Promise<Answered<'created' | 'there'>>;
}

const veventFilter = (inner: object): object => ({
  'comp-filter': {
    _attributes: { name: 'VCALENDAR' },
    'comp-filter': { _attributes: { name: 'VEVENT' }, ...inner },
  },
});

/** A client of one server. */
export function createCaldavClient(server: CaldavServer): CaldavClient {
  const credentials = Buffer.from(`${server.username}:${server.password}`).toString('base64');
  const headers = { authorization: `Basic ${credentials}` };
  const exchangeFor = (bounds: RequestBounds): Exchange =>
    createExchange(server.url, server, bounds);

  const query = async (
    calendar: string,
    filter: object,
    bounds: RequestBounds,
  ): Promise<CalendarObject[]> => {
    const responses = await calendarQuery({
      url: calendar,
      props: { 'd:getetag': {}, 'c:calendar-data': {} },
      filters: veventFilter(filter),
      depth: '1',
      headers,
      fetch: exchangeFor(bounds),
    });
    const objects: CalendarObject[] = [];
    for (const { ok, status, raw, href, props } of responses) {
      // A web page with a 200 is no empty calendar.
      if (!('multistatus' in Object(raw))) {
        throw ok ? new Error('the answer is no calendar') : new StatusError(status);
      }
      const ics = ok ? textOf(props?.['calendarData']) : null;
      if (ics !== null) objects.push({ url: String(href), ics });
    }
    return objects;
  };

  return {
    calendars: (bounds) => answered(() => findCalendars(server, headers, exchangeFor(bounds))),
    objectsIn: (calendar, range, bounds) =>
      answered(() => {
        const [start, end] = [basicTime(range.from), basicTime(range.to)];
        return query(calendar, { 'time-range': { _attributes: { start, end } } }, bounds);
      }),
    read: (url, bounds) =>
      answered(async () => {
        const answer = await exchangeFor(bounds)(url, { headers });
        if (answer.status === 404 || answer.status === 410) return null;
        if (!answer.ok) throw new StatusError(answer.status);
        return answer.text();
      }),
    hasUid: (calendar, uid, bounds) =>
      answered(async () => {
        const filter = {
          'prop-filter': { _attributes: { name: 'UID' }, 'text-match': { _text: uid } },
        };
        const objects = await query(calendar, filter, bounds);
        // A server that knows no such filter answers with more than was asked for.
        return objects.some(({ ics }) => ics.includes(`UID:${uid}`));
      }),
    create: (url, ics, bounds) =>
      answered(async () => {
        const answer = await exchangeFor(bounds)(url, {
          method: 'PUT',
          body: ics,
          headers: {
            ...headers,
            'content-type': 'text/calendar; charset=utf-8',
            // With it a repeated write cannot replace what its owner has changed since.
            'if-none-match': '*',
          },
        });
        if (answer.status === 412) return 'there';
        if (!answer.ok) throw new StatusError(answer.status);
        return 'created';
      }),
  };
}

async function findCalendars(
  server: CaldavServer,
  headers: Record<string, string>,
  exchange: Exchange,
): Promise<string[]> {
  const [self] = await propfind({
    url: server.url,
    props: { 'd:resourcetype': {} },
    depth: '0',
    headers,
    fetch: exchange,
  });
  // An address that is a calendar needs no discovery; some servers do not offer any.
  if (self?.ok === true && 'calendar' in Object(self.props?.['resourcetype'])) {
    return [withSlash(server.url)];
  }
  if (self !== undefined && [401, 403].includes(self.status)) throw new StatusError(self.status);
  const account = await createAccount({
    account: { accountType: 'caldav', serverUrl: server.url },
    headers,
    fetch: exchange,
  });
  const collections = await propfind({
    url: account.homeUrl ?? server.url,
    props: { 'd:displayname': {}, 'd:resourcetype': {}, 'c:supported-calendar-component-set': {} },
    depth: '1',
    headers,
    fetch: withTextNames(exchange),
  });
  const [only] = collections;
  if (collections.length === 1 && only?.ok === false) throw new StatusError(only.status);
  const calendars = collections.filter(isForEvents).map(({ href = '', props }) => ({
    url: withSlash(new URL(href, account.rootUrl ?? server.url).href),
    name: nameOf(props?.['displayname']),
  }));
  const urls = calendars.map(({ url }) => url);
  if (server.calendar === undefined) return urls;
  const wanted = server.calendar.trim().normalize('NFC');
  const byName = calendars.filter(({ name }) => name === wanted);
  // A calendar that has no such name may still have it as the end of its address.
  const chosen = byName.length > 0 ? byName : calendars.filter(({ url }) => endOf(url) === wanted);
  const first = chosen.map(({ url }) => url);
  return first.length === 0 ? [] : [...first, ...urls.filter((url) => !first.includes(url))];
}

/** A calendar that says nothing of its components takes events too. */
function isForEvents({ props }: DAVResponse): boolean {
  if (!('calendar' in Object(props?.['resourcetype']))) return false;
  const components: unknown = props?.['supportedCalendarComponentSet']?.comp;
  if (components === undefined) return true;
  const all: unknown[] = Array.isArray(components) ? components : [components];
  return all.some((one) => {
    const attributes = (one as Record<string, unknown> | null)?.['_attributes'];
    return (attributes as { name?: unknown } | undefined)?.name === 'VEVENT';
  });
}

/** Stands before each display name: a private character, so that it is in no name. */
const nameMark = '\uE000';

/**
 * The exchange, with a mark before each display name in its answers. The XML reader of tsdav makes a number of
 * 2027 and 1.10 and a truth value of "true"; what was written cannot be had from those.
 */
const withTextNames =
  (exchange: Exchange): Exchange =>
  async (input, init) => {
    const answer = await exchange(input, init);
    if (answer.body === null) return answer;
    const opening = /<(?:[\w.-]+:)?displayname(?:\s[^<>]*[^<>/])?>(?=[^<])/gi;
    const text = (await answer.text()).replaceAll(opening, `$&${nameMark}`);
    const { status, headers } = answer;
    return Object.defineProperty(new Response(text, { status, headers }), 'url', {
      value: answer.url,
    });
  };

/** The display name, composed as the configuration is; empty where there is none. */
const nameOf = (value: unknown): string =>
  (textOf(value) ?? '').replaceAll(nameMark, '').trim().normalize('NFC');

/** The last part of a calendar's address. */
function endOf(url: string): string {
  const part = new URL(url).pathname.split('/').filter(Boolean).at(-1) ?? '';
  try {
    return decodeURIComponent(part).normalize('NFC');
  } catch {
    return part;
  }
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

/** Text of an XML element, written plainly or as CDATA. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  const inner = (value as Record<string, unknown> | null | undefined)?.['_cdata'];
  return typeof inner === 'string' ? inner : null;
}

/** `20261116T000000Z` of an ISO instant. */
const basicTime = (iso: string): string =>
  `${new Date(iso).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;

/** The server answered, but not with what was asked for. */
class StatusError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the server answered ${status}`);
    this.status = status;
  }
}

async function answered<Value>(work: () => Promise<Value>): Promise<Answered<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return failureOf(error);
  }
}

function failureOf(error: unknown): Unanswered {
  const message = messageOf(error);
  if (error instanceof ExchangeError) {
    const code = codeOfKind(error.kind);
    return {
      ok: false,
      fault: { ok: false, code, message },
      wasReached: error.wasSent,
      wasRefused: false,
    };
  }
  const status = error instanceof StatusError ? error.status : statusIn(message);
  // A gateway may answer with its own error after the server behind it has done the work.
  const wasRefused = status !== null && status < 500;
  const code = status === null ? 'GH_TOOL_UNREADABLE' : codeOfStatus(status);
  return { ok: false, fault: { ok: false, code, message }, wasReached: true, wasRefused };
}

function codeOfKind(kind: ExchangeError['kind']): CalendarFault['code'] {
  switch (kind) {
    case 'timeout':
    case 'aborted':
      return 'GH_TOOL_TIMEOUT';
    case 'unreachable':
      return 'GH_TOOL_UNREACHABLE';
    case 'too_large':
      return 'GH_TOOL_UNREADABLE';
    case 'other_site':
      return 'GH_TOOL_REFUSED';
  }
}

/** What tsdav says in words when it looks for calendars. */
function statusIn(message: string): number | null {
  if (/\b401\b/.test(message)) return 401;
  return /cannot find (?:principalUrl|homeUrl)/.test(message) ? 404 : null;
}

function codeOfStatus(status: number): CalendarFault['code'] {
  if (status === 401) return 'GH_TOOL_LOGIN';
  if (status === 404 || status === 410) return 'GH_TOOL_NOT_FOUND';
  return status >= 500 ? 'GH_TOOL_UNREACHABLE' : 'GH_TOOL_REFUSED';
}
