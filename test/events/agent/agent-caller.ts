/** A caller of the agent protocol: prompts, and collects the reply up to its terminator. */
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from 'nats';

export interface Chunk {
  type: string;
  data: unknown;
  job_id?: string;
  outcome?: string;
  queue?: { position: number };
}

export interface Question {
  id: string;
  reply_subject: string;
  prompt: string;
}

export interface AgentError {
  code: string;
  description: string;
  body: { error: string; message: string; job_id?: string };
}

export interface PromptReply {
  chunks: Chunk[];
  /** Bytes of the chunks. */
  sizes: number[];
  questions: Question[];
  error: AgentError | null;
  /** Messages after the terminator. */
  late: number;
  ended: Promise<void>;
  text(): string;
  jobId(): string;
  /** Stops to read. */
  vanish(): void;
}

export const promptSubject = 'agents.prompt.gatehouse.home.main';

export function prompt(
  nc: NatsConnection,
  data: string | Uint8Array,
  options: { headers?: MsgHdrs; onQuestion?: (question: Question) => void } = {},
): PromptReply {
  const ended = Promise.withResolvers<void>();
  let isEnded = false;
  const inbox = createInbox();
  const read = (message: Msg): void => {
    if (isEnded) {
      reply.late += 1;
    } else if (message.headers?.has('Nats-Service-Error-Code')) {
      reply.error = {
        code: message.headers.get('Nats-Service-Error-Code'),
        description: message.headers.get('Nats-Service-Error'),
        body: message.json(),
      };
    } else if (message.data.length === 0 && message.headers === undefined) {
      isEnded = true;
      ended.resolve();
    } else {
      const chunk = message.json<Chunk>();
      reply.chunks.push(chunk);
      reply.sizes.push(message.data.length);
      if (chunk.type !== 'query') return;
      reply.questions.push(chunk.data as Question);
      options.onQuestion?.(chunk.data as Question);
    }
  };
  const subscription = nc.subscribe(inbox, {
    callback(error, message) {
      if (error === null) read(message);
      else ended.reject(error);
    },
  });
  const reply: PromptReply = {
    chunks: [],
    sizes: [],
    questions: [],
    error: null,
    late: 0,
    ended: ended.promise,
    text: () =>
      reply.chunks
        .filter(({ type }) => type === 'response')
        .map((chunk) => chunk.data as string)
        .join(''),
    jobId: () => reply.chunks[0]!.job_id!,
    vanish: () => subscription.unsubscribe(),
  };
  nc.publish(promptSubject, data, {
    reply: inbox,
    ...(options.headers === undefined ? {} : { headers: options.headers }),
  });
  return reply;
}
