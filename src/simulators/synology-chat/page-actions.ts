/** The page's actions as JSON: `{do: 'say', …}`. Throws for invalid actions, with a message for the user. */
import { z } from 'zod';
import {
  encodedFile,
  faultActions,
  ms,
  networkFaults,
  parsedAction,
  part,
  performFaultAction,
} from '../action-schemas.ts';
import type { DsmControls } from './dsm-controls.ts';
import { apiMethods, type Fault } from './api-faults.ts';

const id = z.int().min(0);

const fault: z.ZodType<Fault> = z.discriminatedUnion('kind', [
  z
    .object({ kind: z.literal('error'), code: z.int(), errors: z.string().max(200).optional() })
    .transform(({ kind, code, errors }) => (errors ? { kind, code, errors } : { kind, code })),
  z.object({ kind: z.literal('nobody') }),
  ...networkFaults,
]);

const action = z.discriminatedUnion('do', [
  z.object({
    do: z.literal('say'),
    userId: id,
    text: z.string().max(20_000),
    channelId: id.optional(),
    bot: z.string().optional(),
    file: encodedFile.optional(),
  }),
  z.object({ do: z.literal('press'), userId: id, postId: id, value: z.string() }),
  z.object({ do: z.literal('redeliver'), deliveryId: id }),
  z.object({ do: z.literal('saveUrl'), integration: z.string(), url: z.url().optional() }),
  z.object({
    do: z.literal('fail'),
    fault,
    /** Null: until the faults are cleared. */
    times: z.int().min(1).nullable().default(1),
    method: z.enum(apiMethods).optional(),
  }),
  ...faultActions,
  z.object({ do: z.literal('package'), isRunning: z.boolean() }),
  z.object({
    do: z.literal('rules'),
    change: z
      .object({
        textLengthMax: z.int().min(1),
        textLengthUnit: z.enum(['codePoints', 'bytes']),
        postIntervalMsMin: ms,
        acceptsBareToken: z.boolean(),
        sendsFileName: z.boolean(),
        sendsNameAsText: z.boolean(),
        sendsHead: z.boolean(),
        acceptsNoContent: z.boolean(),
        sulksAfter: z.enum(['failure', 'answer', 'nothing']),
        outgoingTimeoutMs: ms,
        retries: z.int().min(0).max(1_000),
        retryDelayMs: ms,
        duplicateRate: part,
        reorderRate: part,
      })
      .partial(),
  }),
]);

/** An action as the page sends it. */
export type PageAction = z.input<typeof action>;

/** Performs the action; returns `{postId}` for a message. It does not wait for the webhooks. */
export async function performAction(controls: DsmControls, value: unknown): Promise<object> {
  const data = parsedAction(action, value);
  switch (data.do) {
    case 'say': {
      const { userId, text, channelId, bot, file } = data;
      const sent = controls.say({
        userId,
        text,
        ...(channelId === undefined ? {} : { channelId }),
        ...(bot === undefined ? {} : { bot }),
        ...(file === undefined
          ? {}
          : { file: { ...file, content: Buffer.from(file.content, 'base64') } }),
      });
      return { postId: sent.post.postId };
    }
    case 'press':
      controls.press(data);
      return {};
    case 'redeliver':
      void controls.redeliver(data.deliveryId);
      return {};
    case 'saveUrl':
      controls.saveUrl(data.integration, data.url);
      return {};
    default:
      return performOnNas(controls, data);
  }
}

type ChatAction = 'say' | 'press' | 'redeliver' | 'saveUrl';

async function performOnNas(
  controls: DsmControls,
  data: Exclude<z.infer<typeof action>, { do: ChatAction }>,
): Promise<object> {
  switch (data.do) {
    case 'fail': {
      const { times, method } = data;
      const scope = { times: times ?? Number.POSITIVE_INFINITY };
      controls.fail(data.fault, method === undefined ? scope : { ...scope, method });
      break;
    }
    case 'package':
      controls.setPackage(data.isRunning);
      break;
    case 'rules': {
      const change = Object.entries(data.change).filter(([, one]) => one !== undefined);
      controls.changeRules(Object.fromEntries(change));
      break;
    }
    default:
      await performFaultAction(controls, data);
  }
  return {};
}
