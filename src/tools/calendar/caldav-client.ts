/**
 * The requests to a CalDAV server (RFC 4791), and the error codes of their failures. tsdav does the XML and the
 * discovery; timeouts, size limits and TLS trust are ours.
 *
 * 1. Every request has a timeout and can be aborted; an unresponsive server costs only its share of the limit.
 * 2. No message contains the password.
 */
import { calendarQuery, createAccount, propfind, type DAVResponse } from 'tsdav';
import { messageOf } from '#shared/errors';
import { createPinnedFetch, PinnedFetchError, type PinnedFetch } from '../secure-fetch.ts';
import type { TlsTrust } from '#shared/tls-options';
import type { ServerError } from '../tool.ts';
import type { CaldavSettings } from './calendar-port.ts';

export interface CaldavServer
  extends TlsTrust, Pick<CaldavSettings, 'url' | 'username' | 'password' | 'calendar'> {}

export interface RequestBounds {
  timeoutMs: number;
  signal: AbortSignal;
}

export interface CalendarObject {
  url: string;
  ics: string;
}

export interface CaldavFailure extends ServerError {
  /** False: no byte of the request can have been sent. */
  wasReached: boolean;
  /** The server refused the request, so it has not executed it. */
  wasRefused: boolean;
}

export type CaldavResult<Value> = { ok: true; value: Value } | CaldavFailure;

export type CaldavClient = ReturnType<typeof createCaldavClient>;

const veventFilter = (inner: object): object => ({
  'comp-filter': {
    _attributes: { name: 'VCALENDAR' },
    'comp-filter': { _attributes: { name: 'VEVENT' }, ...inner },
  },
});

/** A client for one server. Its methods never reject. */
export function createCaldavClient(server: CaldavServer) {
  const credentials = Buffer.from(`${server.username}:${server.password}`).toString('base64');
  const headers = { authorization: `Basic ${credentials}` };
  const fetchFor = (bounds: RequestBounds): PinnedFetch =>
    createPinnedFetch(server.url, server, bounds);

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
      fetch: fetchFor(bounds),
    });
    const objects: CalendarObject[] = [];
    for (const { ok, status, raw, href, props } of responses) {
      // A web page with status 200 is not an empty calendar.
      if (!('multistatus' in Object(raw))) {
        throw ok ? new Error('the answer is no calendar') : new HttpStatusError(status);
      }
      const ics = ok ? textOf(props?.['calendarData']) : null;
      if (ics !== null) objects.push({ url: String(href), ics });
    }
    return objects;
  };

  return {
    /** URLs of the calendars for events; the first is the calendar for new entries. */
    calendars: (bounds: RequestBounds) =>
      toResult(() => discoverCalendars(server, headers, fetchFor(bounds))),
    /** Objects with an event that may overlap the range (ISO instants, half open). */
    objectsIn: (calendar: string, range: { from: string; to: string }, bounds: RequestBounds) =>
      toResult(() => {
        const [start, end] = [toBasicUtc(range.from), toBasicUtc(range.to)];
        return query(calendar, { 'time-range': { _attributes: { start, end } } }, bounds);
      }),
    /** The text of an object; null if there is none at this URL. */
    read: (url: string, bounds: RequestBounds) =>
      toResult(async (): Promise<string | null> => {
        const response = await fetchFor(bounds)(url, { headers });
        if (response.status === 404 || response.status === 410) return null;
        if (!response.ok) throw new HttpStatusError(response.status);
        return response.text();
      }),
    /** Whether the calendar has an event with this UID, under any URL. */
    hasUid: (calendar: string, uid: string, bounds: RequestBounds) =>
      toResult(async () => {
        const filter = {
          'prop-filter': { _attributes: { name: 'UID' }, 'text-match': { _text: uid } },
        };
        const objects = await query(calendar, filter, bounds);
        // A server that does not support this filter returns more objects than requested.
        return objects.some(({ ics }) => ics.includes(`UID:${uid}`));
      }),
    /** Writes an object unless one exists at the URL (`there`). */
    create: (url: string, ics: string, bounds: RequestBounds) =>
      toResult(async (): Promise<'created' | 'there'> => {
        const response = await fetchFor(bounds)(url, {
          method: 'PUT',
          body: ics,
          headers: {
            ...headers,
            'content-type': 'text/calendar; charset=utf-8',
            // Prevents a repeated write from overwriting later changes of the owner.
            'if-none-match': '*',
          },
        });
        if (response.status === 412) return 'there';
        if (!response.ok) throw new HttpStatusError(response.status);
        return 'created';
      }),
  };
}

async function discoverCalendars(
  server: CaldavServer,
  headers: Record<string, string>,
  fetcher: PinnedFetch,
): Promise<string[]> {
  const [self] = await propfind({
    url: server.url,
    props: { 'd:resourcetype': {} },
    depth: '0',
    headers,
    fetch: fetcher,
  });
  // The URL of a calendar needs no discovery, which some servers do not offer.
  if (self?.ok === true && 'calendar' in Object(self.props?.['resourcetype'])) {
    return [withSlash(server.url)];
  }
  if (self !== undefined && [401, 403].includes(self.status))
    throw new HttpStatusError(self.status);
  const account = await createAccount({
    account: { accountType: 'caldav', serverUrl: server.url },
    headers,
    fetch: fetcher,
  });
  const collections = await propfind({
    url: account.homeUrl ?? server.url,
    props: { 'd:displayname': {}, 'd:resourcetype': {}, 'c:supported-calendar-component-set': {} },
    depth: '1',
    headers,
    fetch: withMarkedNames(fetcher),
  });
  const [only] = collections;
  if (collections.length === 1 && only?.ok === false) throw new HttpStatusError(only.status);
  const calendars = collections.filter(isForEvents).map(({ href = '', props }) => ({
    url: withSlash(new URL(href, account.rootUrl ?? server.url).href),
    name: parseDisplayName(props?.['displayname']),
  }));
  const urls = calendars.map(({ url }) => url);
  if (server.calendar === undefined) return urls;
  const wanted = server.calendar.trim().normalize('NFC');
  const byName = calendars.filter(({ name }) => name === wanted);
  // If no display name matches, the name may be the last path segment of the URL.
  const chosen =
    byName.length > 0 ? byName : calendars.filter(({ url }) => lastPathSegment(url) === wanted);
  const first = chosen.map(({ url }) => url);
  return first.length === 0 ? [] : [...first, ...urls.filter((url) => !first.includes(url))];
}

/** A calendar that does not list its components accepts events too. */
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

/** Inserted before each display name: a private-use character, so that no name contains it. */
const nameMark = '\uE000';

/**
 * A fetch that inserts a mark before each display name in the response. The XML parser of tsdav converts the names
 * `2027` and `1.10` to numbers and `true` to a boolean; the original text could not be restored from these.
 */
const withMarkedNames =
  (fetcher: PinnedFetch): PinnedFetch =>
  async (input, init) => {
    const response = await fetcher(input, init);
    if (response.body === null) return response;
    const opening = /<(?:[\w.-]+:)?displayname(?:\s[^<>]*[^<>/])?>(?=[^<])/gi;
    const text = (await response.text()).replaceAll(opening, `$&${nameMark}`);
    const { status, headers } = response;
    return Object.defineProperty(new Response(text, { status, headers }), 'url', {
      value: response.url,
    });
  };

/** The display name in NFC, like the configured name; empty if there is none. */
const parseDisplayName = (value: unknown): string =>
  (textOf(value) ?? '').replaceAll(nameMark, '').trim().normalize('NFC');

function lastPathSegment(url: string): string {
  const part = new URL(url).pathname.split('/').filter(Boolean).at(-1) ?? '';
  try {
    return decodeURIComponent(part).normalize('NFC');
  } catch {
    return part;
  }
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

/** Text of an XML element, plain or as CDATA. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  const inner = (value as Record<string, unknown> | null | undefined)?.['_cdata'];
  return typeof inner === 'string' ? inner : null;
}

/** An ISO instant as `20261116T000000Z`. */
const toBasicUtc = (iso: string): string =>
  `${new Date(iso).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;

class HttpStatusError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the server answered ${status}`);
    this.status = status;
  }
}

async function toResult<Value>(work: () => Promise<Value>): Promise<CaldavResult<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return toFailure(error);
  }
}

function toFailure(error: unknown): CaldavFailure {
  const message = messageOf(error);
  if (error instanceof PinnedFetchError) {
    const code = codesOfKinds[error.kind];
    return { ok: false, code, message, wasReached: error.wasSent, wasRefused: false };
  }
  const status = error instanceof HttpStatusError ? error.status : parseStatus(message);
  // A gateway may answer with its own error (5xx) after the server behind it has executed the request.
  const wasRefused = status !== null && status < 500;
  const code = status === null ? 'GH_TOOL_UNREADABLE' : codeOfStatus(status);
  return { ok: false, code, message, wasReached: true, wasRefused };
}

const codesOfKinds: Record<PinnedFetchError['kind'], ServerError['code']> = {
  timeout: 'GH_TOOL_TIMEOUT',
  aborted: 'GH_TOOL_TIMEOUT',
  unreachable: 'GH_TOOL_UNREACHABLE',
  too_large: 'GH_TOOL_UNREADABLE',
  other_site: 'GH_TOOL_REFUSED',
};

/** The status behind a discovery error of tsdav, which reports it only as text; null if unknown. */
function parseStatus(message: string): number | null {
  if (/\b401\b/.test(message)) return 401;
  return /cannot find (?:principalUrl|homeUrl)/.test(message) ? 404 : null;
}

function codeOfStatus(status: number): ServerError['code'] {
  if (status === 401) return 'GH_TOOL_LOGIN';
  if (status === 404 || status === 410) return 'GH_TOOL_NOT_FOUND';
  return status >= 500 ? 'GH_TOOL_UNREACHABLE' : 'GH_TOOL_REFUSED';
}
