/**
 * The messages of one reply of the agent protocol: chunks, perhaps an error, and the terminator, which is empty.
 *
 * R1 Nothing follows the terminator.
 * R2 A chunk fits into one message of the broker: a longer text is sent in pieces.
 */
import { headers, type NatsConnection } from 'nats';
import { setProblemHeaders, toServiceProblem } from '../service/micro-service.ts';

/** The status codes of the protocol. */
const protocolCodes = [400, 401, 403, 404, 409, 429, 500];
/** Part of the broker's limit that is reserved for the other fields of a chunk, and for headers. */
const reservedBytes = 512;
/** Bytes of one UTF-16 code unit in JSON, at most: an escape. */
const unitBytesMax = 6;

export interface AgentReply {
  readonly isEnded: boolean;
  status(token: string, fields?: object): void;
  text(content: string): void;
  /** A question; what does not fit into one message is sent as text before it. */
  query(question: { id: string; reply_subject: string; prompt: string }): void;
  /** The error, then the terminator. */
  fail(error: unknown, fields?: object): void;
  end(): void;
}

export function createAgentReply(nc: NatsConnection, subject: string): AgentReply {
  let isEnded = subject === '';
  const publish = (body: string, options = {}): void => {
    if (!isEnded && !nc.isClosed()) nc.publish(subject, body, options);
  };
  const chunk = (type: string, data: unknown, fields: object = {}): void =>
    publish(JSON.stringify({ type, data, ...fields }));
  const piecesOf = (text: string): string[] =>
    splitText(text, ((nc.info?.max_payload ?? 1024 ** 2) - reservedBytes) / unitBytesMax);
  const end = (): void => {
    publish('');
    isEnded = true;
  };
  return {
    get isEnded() {
      return isEnded;
    },
    status: (token, fields) => chunk('status', token, fields),
    text(content) {
      for (const piece of piecesOf(content)) chunk('response', piece);
    },
    query(question) {
      const pieces = piecesOf(question.prompt);
      const prompt = pieces.pop() ?? '';
      for (const piece of pieces) chunk('response', piece);
      chunk('query', { ...question, prompt });
    },
    fail(error, fields = {}) {
      const problem = toServiceProblem(error);
      const { code, message, status, retry_after_ms: retryMs } = problem;
      const made = headers();
      setProblemHeaders(made, { ...problem, status: toProtocolCode(status) });
      const retry = retryMs === undefined ? {} : { retry_after_s: Math.ceil(retryMs / 1000) };
      const body = { error: code, message, ...retry, ...fields };
      publish(JSON.stringify(body), { headers: made });
      end();
    },
    end,
  };
}

/** 413 and the like are 400; a server that cannot be reached is 500. */
function toProtocolCode(status: number): number {
  if (protocolCodes.includes(status)) return status;
  return status < 500 ? 400 : 500;
}

/** Pieces of at most `unitsMax` UTF-16 code units, none of which ends within a character. */
function splitText(text: string, unitsMax: number): string[] {
  const pieces: string[] = [];
  const most = Math.max(2, Math.floor(unitsMax));
  for (let from = 0; from < text.length;) {
    let to = Math.min(text.length, from + most);
    if (to < text.length && /[\udc00-\udfff]/.test(text.charAt(to))) to -= 1;
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}
