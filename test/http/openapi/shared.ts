/** Schemas and examples that several descriptions use. */
import { z } from 'zod';
import { userIdSchema } from '#http/server/parse-input';
import type { Scene } from './operation.ts';

export const stream = 'text/event-stream';
export const ofUser = z.object({ user_id: userIdSchema });
export const theJob = ({ jobId }: Scene) => ({ path: { id: jobId } });
export const theDocument = ({ documentId }: Scene) => ({ path: { id: documentId } });
export const lastEventId = { 'Last-Event-ID': 'Goes on after this `seq`.' };
export const whileStreaming = { [stream]: 'with `Accept: text/event-stream`' };
export const inputErrors = [
  'GH_REQUEST_NOT_JSON',
  'GH_REQUEST_INVALID',
  'GH_REQUEST_TOO_LARGE',
] as const;
