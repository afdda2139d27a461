/** Sessions and invites at the doors (HTTP, commands): same shapes, same errors. */
import { z } from 'zod';
import { nextPage } from './job-service.ts';

const isoTime = z.iso.datetime({ offset: true });
const user = z.string().min(1).max(256);

export const signInBody = z.union([
  z.object({
    key: z.string().min(1).max(4_096).describe('A key of the person, or the operator’s.'),
  }),
  z.object({
    code: z
      .string()
      .min(1)
      .max(64)
      .describe('A code of `gatehouse invite`; case, blanks and dashes do not matter.'),
  }),
]);

export const sessionSchema = z
  .strictObject({
    user_id: z.string().nullable().describe('Null: the operator.'),
    name: z.string().nullable().describe('Of the person in the configuration.'),
    expires_at: isoTime.nullable().describe('Of a session that is not used; null: no session.'),
    open: z.literal(true).optional().describe('There are no keys: every caller is the operator.'),
  })
  .meta({ id: 'Session' });
export type SessionView = z.infer<typeof sessionSchema>;

const sessionPageMax = 200;

export const sessionListQuery = z.object({
  user_id: user.optional(),
  limit: z.coerce.number().int().min(1).max(sessionPageMax).default(50),
  cursor: z.string().max(128).optional().describe('Opaque: `next` of the previous page.'),
});
export type SessionListQuery = z.infer<typeof sessionListQuery>;

/** Whose session; without a user: whoever it belongs to, which only operators may say. */
export const sessionOwner = z.object({ user_id: user.optional() });

const listedSessionSchema = z
  .strictObject({
    id: z.string().describe('The same as `session_id`.'),
    session_id: z.string(),
    user_id: z.string().nullable().describe('Null: the operator.'),
    name: z.string().nullable(),
    device: z.string().describe('Browser and system, as the browser names them.'),
    made_with: z.enum(['key', 'code']),
    created_at: isoTime,
    last_used_at: isoTime.describe('To five minutes.'),
    expires_at: isoTime.describe('If it is not used before.'),
    current: z.boolean().describe('The session of this request.'),
  })
  .meta({ id: 'ListedSession' });
export type ListedSession = z.infer<typeof listedSessionSchema>;

export const sessionPageSchema = z.strictObject({
  sessions: z.array(listedSessionSchema),
  ...nextPage,
});
export type SessionPage = z.infer<typeof sessionPageSchema>;

/** A day: an older code is found in a chat or on a slip of paper. */
const inviteMinutesMax = 1_440;

export const inviteBody = z.object({
  user_id: user,
  minutes: z
    .int()
    .min(1)
    .max(inviteMinutesMax)
    .default(10)
    .describe('How long the code can be used.'),
});
export type InviteBody = z.infer<typeof inviteBody>;

export const inviteSchema = z
  .strictObject({
    user_id: z.string(),
    name: z.string().nullable(),
    code: z.string().describe('For one sign-in.'),
    expires_at: isoTime,
    url: z.string().describe('The page with the code in its fragment, which is in no log.'),
    qr: z.string().describe('The address as a QR code: an SVG.'),
  })
  .meta({ id: 'Invite' });
export type InviteView = z.infer<typeof inviteSchema>;

/** A session with the token for its cookie. */
export interface SignedInView {
  id: string;
  token: string;
  view: SessionView;
}

export interface SessionService {
  /** Of a caller without a session. @param user null: the operator */
  describe(user: string | null): SessionView;
  /** @param user that of the key */
  signInByKey(key: string, user: string | null, userAgent: string): Promise<SignedInView>;
  /** Null: the code is wrong, used, too old or withdrawn. */
  signInByCode(code: string, userAgent: string): Promise<SignedInView | null>;
  /** @param userId whose session; null: whoever it belongs to. @throws GH_SESSION_NOT_FOUND */
  end(id: string, userId: string | null): Promise<void>;
  /** Newest first. @param current id of the session of the request */
  list(query: SessionListQuery, current: string | null): Promise<SessionPage>;
  /** The route adds the address. @throws GH_PERSON_UNKNOWN, GH_SESSION_NO_KEYS */
  invite(body: InviteBody): Promise<Omit<InviteView, 'url' | 'qr'>>;
}
