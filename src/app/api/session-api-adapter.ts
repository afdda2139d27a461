/** Sessions and invites for the doors: their shapes, and the names of the people. */
import type { Session } from '#sessions/session';
import type { SessionCursor } from '#sessions/session-port';
import type { Sessions } from '#sessions/sessions';
import { isoTime, minuteMs } from '#shared/calendar/time-units';
import { GatehouseError } from '#shared/errors';
import type { Persons } from '#shared/persons';
import type { ListedSession, SessionService, SessionView } from '#shared/wire/session-service';

export function createSessionApi(
  sessions: Sessions,
  persons: Pick<Persons, 'nameOf'>,
): SessionService {
  const nameOf = (user: string | null): string | null =>
    user === null ? null : persons.nameOf(user);
  const describe = (user: string | null): SessionView => ({
    user_id: user,
    name: nameOf(user),
    expires_at: null,
  });
  const signedIn = ({ session, token }: { session: Session; token: string }) => ({
    id: session.id,
    token,
    view: { ...describe(session.userId), expires_at: isoTime(session.expiresAt) },
  });
  return {
    describe,
    signInByKey: async (key, user, userAgent) =>
      signedIn(await sessions.signInByKey(key, user, userAgent)),
    async signInByCode(code, userAgent) {
      const done = await sessions.signInByCode(code, userAgent);
      return done && signedIn(done);
    },
    end: (id, userId) => sessions.end(id, userId),
    async list({ user_id: userId, limit, cursor }, current) {
      const rows = await sessions.list(userId ?? null, cursorOf(cursor), limit + 1);
      const last = rows.length > limit ? rows[limit - 1]! : null;
      const next = last === null ? null : `${last.createdAt}_${last.id}`;
      const listed = rows.slice(0, limit).map((one): ListedSession => ({
        id: one.id,
        session_id: one.id,
        user_id: one.userId,
        name: nameOf(one.userId),
        device: one.device,
        made_with: one.keyProof === null ? 'code' : 'key',
        created_at: isoTime(one.createdAt),
        last_used_at: isoTime(one.usedAt),
        expires_at: isoTime(one.expiresAt),
        current: one.id === current,
      }));
      return { sessions: listed, next, next_cursor: next };
    },
    async invite({ user_id: userId, minutes }) {
      const { code, expiresAt } = await sessions.invite(userId, minutes * minuteMs);
      return { user_id: userId, name: nameOf(userId), code, expires_at: isoTime(expiresAt) };
    },
  };
}

/** @throws GH_REQUEST_INVALID */
function cursorOf(cursor: string | undefined): SessionCursor | null {
  if (cursor === undefined) return null;
  const [, at = '', id = ''] = /^(\d{1,15})_(.+)$/.exec(cursor) ?? [];
  if (id !== '') return { createdAt: Number(at), id };
  throw new GatehouseError('GH_REQUEST_INVALID', 'cursor: not one of a page', { param: 'cursor' });
}
