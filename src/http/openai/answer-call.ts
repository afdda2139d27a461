/** Answers a completion call by a job or by one backend, whatever the format of the response. */
import type { FastifyReply } from 'fastify';
import type { Backend } from '#shared/model/model';
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import type { Log } from '#shared/log';
import { pictureRefusalOf, pictureTypesIn } from '#shared/model/message-parts';
import { checkPictures, type PictureLimits } from '#shared/pictures/picture';
import { respond } from '../server/respond.ts';
import { completeByBackend } from './openai-backend.ts';
import { completeByJob, type JobCompletion } from './openai-job.ts';
import { assistantModel, chatModel, type CompletionCall } from './openai-request.ts';
import type { CompletionResponse } from './openai-response.ts';
import type { CompletionEnd } from './openai-shapes.ts';

export interface CompletionParts extends JobCompletion {
  /** The backend of this id. @throws GH_BACKEND_UNKNOWN */
  dispatch(name: string): Backend;
  /** The backend that has this role. */
  backendOf(role: 'classifier' | 'reasoner'): Backend;
  /** What is known of each backend, for lists of models; `id` is the model name to request. */
  models(): ({ id: string } & Record<string, unknown>)[];
  /** Of one message. */
  pictureLimits: PictureLimits;
  clock: Clock;
  log: Log;
}

/** @param createResponse called once the model name is known to be right: an unknown name is a status for streams too */
export async function answerCall(
  parts: CompletionParts,
  call: CompletionCall,
  reply: FastifyReply,
  createResponse: () => CompletionResponse,
): Promise<void> {
  const backend = backendOf(parts, call);
  requirePictures(parts, call, backend);
  const response = createResponse();
  return respond(reply, response, parts.log, async (signal) => {
    if (backend === null) {
      const end = await completeByJob(parts, call, response, signal);
      return end === null ? null : { ok: true, result: withIgnored(end, call) };
    }
    const outcome = await completeByBackend(backend, call, response, signal);
    return outcome.ok ? { ok: true, result: withIgnored(outcome.end, call) } : outcome;
  });
}

/** Null: a job answers. @throws GH_BACKEND_UNKNOWN with the names of all models */
function backendOf(options: CompletionParts, { model, isTask }: CompletionCall): Backend | null {
  if (isTask) return options.backendOf('classifier');
  if (model === assistantModel) return null;
  if (model === chatModel) return options.backendOf('reasoner');
  try {
    return options.dispatch(model);
  } catch (error) {
    if (!(error instanceof GatehouseError) || error.code !== 'GH_BACKEND_UNKNOWN') throw error;
    const known = [assistantModel, ...options.models().map(({ id }) => id), chatModel].join(', ');
    const asked = JSON.stringify(model.slice(0, 64));
    const message = `There is no model ${asked}; there are: ${known}`;
    throw new GatehouseError('GH_BACKEND_UNKNOWN', message, { cause: error });
  }
}

/**
 * No picture reaches a model that cannot take it, and none is left out.
 * @throws GH_PICTURE_REFUSED, GH_BACKEND_NO_VISION naming the message
 */
function requirePictures(
  { pictureLimits }: CompletionParts,
  { pictures, request }: CompletionCall,
  backend: Backend | null,
): void {
  for (const one of pictures) checkPictures(one.pictures, pictureLimits, one.where);
  const [first] = pictures;
  if (first === undefined) return;
  const why =
    backend === null
      ? 'the assistant takes no pictures'
      : pictureRefusalOf(backend, pictureTypesIn(request));
  if (why === null) return;
  const message = `${first.where}: ${why}`;
  throw new GatehouseError('GH_BACKEND_NO_VISION', message, { param: first.where });
}

const withIgnored = (end: CompletionEnd, { ignored }: CompletionCall): CompletionEnd =>
  ignored.length === 0 ? end : { ...end, about: { ...end.about, ignored } };
