/** The page's actions as JSON: `{do: 'say', …}`. Throws for invalid actions, with a message for the user. */
import { z } from 'zod';
import type { DsmControls } from './dsm-controls.ts';
import { apiMethods, type Fault } from './api-faults.ts';

const id = z.int().min(0);
const part = z.number().min(0).max(1);
/** No delay set on the page may last longer than a user would wait. */
const ms = z.int().min(0).max(600_000);

const fault: z.ZodType<Fault> = z.discriminatedUnion('kind', [
  z
    .object({ kind: z.literal('error'), code: z.int(), errors: z.string().max(200).optional() })
    .transform(({ kind, code, errors }) => (errors ? { kind, code, errors } : { kind, code })),
  z.object({ kind: z.literal('page'), status: z.int().min(200).max(599) }),
  z
    .object({
      kind: z.literal('says'),
      status: z.int().min(200).max(599),
      body: z.string().max(20_000),
      contentType: z.string().max(200).optional(),
    })
    .transform(({ contentType, ...rest }) => (contentType ? { ...rest, contentType } : rest)),
  z.object({ kind: z.literal('nobody') }),
  z.object({ kind: z.literal('slow'), headersMs: ms, bodyMs: ms }),
  z.object({ kind: z.literal('cut'), at: z.enum(['atOnce', 'unstored', 'stored', 'answer']) }),
  z.object({ kind: z.literal('down'), forMs: ms }),
]);

const action = z.discriminatedUnion('do', [
  z.object({
    do: z.literal('say'),
    userId: id,
    text: z.string().max(20_000),
    channelId: id.optional(),
    bot: z.string().optional(),
    /** File content in base64. */
    file: z.object({ name: z.string().max(255), type: z.string(), content: z.base64() }).optional(),
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
  z.object({ do: z.literal('clearFaults') }),
  z.object({ do: z.literal('storm'), seed: z.int().default(1), rate: part }),
  z.object({ do: z.literal('package'), isRunning: z.boolean() }),
  z.object({ do: z.literal('connections'), isListening: z.boolean(), forMs: ms.optional() }),
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
  const given = action.safeParse(value);
  if (!given.success) throw new RangeError(z.prettifyError(given.error));
  const { data } = given;
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
    case 'clearFaults':
      controls.clearFaults();
      break;
    case 'storm':
      controls.setStorm(data.rate === 0 ? null : { seed: data.seed, rate: data.rate });
      break;
    case 'package':
      controls.setPackage(data.isRunning);
      break;
    case 'connections':
      await (data.isListening
        ? controls.acceptConnections()
        : controls.refuseConnections(data.forMs));
      break;
    case 'rules': {
      const change = Object.entries(data.change).filter(([, one]) => one !== undefined);
      controls.changeRules(Object.fromEntries(change));
      break;
    }
    default:
      throw data satisfies never;
  }
  return {};
}
