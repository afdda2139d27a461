/** The memory at the doors (HTTP, commands): same shapes, same limits, same errors. */
import { z } from 'zod';
import { nextPage } from './job-service.ts';

const memoryPageMax = 200;

const user = z.string().min(1).max(256);

/** One fact; without a user: whoever it belongs to, which only operators may say. */
export const factUser = z.object({ user_id: user.optional() });

/** All facts of one person. */
export const factOwner = z.object({ user_id: user });

export const factListQuery = factUser.extend({
  query: z
    .string()
    .max(600)
    .optional()
    .describe('Only facts that fit this question, best first; `user_id` is needed.'),
  limit: z.coerce.number().int().min(1).max(memoryPageMax).default(50),
  cursor: z.string().max(128).optional().describe('Opaque: `next` of the previous page.'),
});
export type FactListQuery = z.infer<typeof factListQuery>;

export const newFactBody = z.object({
  user_id: user.default('local'),
  text: z.string().min(1).max(2_000).describe('At most 500 characters, kept as one line.'),
  idempotency_key: z.string().min(1).max(256).optional(),
});
export type NewFactBody = z.infer<typeof newFactBody>;

export const factSchema = z
  .strictObject({
    id: z.string().describe('The same as `memory_id`.'),
    memory_id: z.string(),
    user_id: z.string(),
    text: z.string().describe('As the person wrote it.'),
    created_by: z.string().describe('The door: `chat`, `http` …'),
    channel: z.string().nullable().describe('Of the message that it came with.'),
    job_id: z.string().nullable(),
    created_at: z.iso.datetime({ offset: true }),
  })
  .meta({ id: 'Fact' });
export type FactView = z.infer<typeof factSchema>;

export const factPageSchema = z.strictObject({ facts: z.array(factSchema), ...nextPage });
export type FactPage = z.infer<typeof factPageSchema>;

export const forgottenSchema = z.strictObject({ forgotten: z.int().describe('Number of facts.') });
export type ForgottenView = z.infer<typeof forgottenSchema>;

/** Which fact, and who asks: null for an operator, who may use those of all people. */
export interface FactRef {
  id: string;
  userId: string | null;
}

/** A fact of another person is answered as one that does not exist. */
export interface MemoryService {
  /** Newest first. @throws GH_REQUEST_INVALID for a query without a person */
  list(query: FactListQuery): Promise<FactPage>;
  /** A fact that the person has told already is answered, not kept twice. @throws GH_MEMORY_INVALID, GH_MEMORY_LIMIT */
  keep(body: NewFactBody, createdBy: string): Promise<FactView>;
  /** @throws GH_MEMORY_NOT_FOUND */
  get(ref: FactRef): Promise<FactView>;
  /** For good. @throws GH_MEMORY_NOT_FOUND */
  forget(ref: FactRef): Promise<ForgottenView>;
  forgetAll(userId: string): Promise<ForgottenView>;
}
