/**
 * The HTTP server of the Bot API: `/bot<token>/<method>` and `/file/bot<token>/<path>`. Reads requests, applies faults,
 * responds, and keeps the request log.
 *
 * A fault before the effect is stored leaves no message; a later fault leaves one. The log records which.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  cut,
  cutInTheMiddle,
  isCut,
  nameOf,
  readBytes,
  sendAtOnce,
  sendSlowly,
  sendText,
  type RenderedResponse,
} from '../http-trouble.ts';
import { RefusableServer } from '../refusable-server.ts';
import { ApiError } from './api-error.ts';
import { readParams } from './call-params.ts';
import type { Fault } from './faults.ts';
import { methods } from './methods.ts';
import type { TelegramContext } from './telegram-context.ts';
import type { TelegramRequest } from './telegram-request.ts';

/** As the real server: https://core.telegram.org/bots/api#sending-files, 50 MB for a file of a bot. */
const bodyBytesMax = 51 * 1024 * 1024;
const loggedLengthMax = 500;

interface Target {
  kind: 'method' | 'file';
  token: string;
  /** The method in lower case, or the path of the file. */
  name: string;
  query: URLSearchParams;
}

export class ApiServer extends RefusableServer {
  readonly #telegram: TelegramContext;

  constructor(telegram: TelegramContext) {
    super({
      handle: (request, response) => this.#handle(request, response),
      certificate: null,
      changed(isListening) {
        telegram.access.isListening = isListening;
        telegram.feed.emit({ type: 'state' });
      },
      closing: telegram.closing,
    });
    this.#telegram = telegram;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { requests, faults, feed, clock } = this.#telegram;
    const target = targetOf(request.url ?? '/');
    const entry: TelegramRequest = {
      n: requests.nextN(),
      atMs: clock.now(),
      method: target === null ? '' : target.kind === 'file' ? 'file' : target.name,
      params: {},
      outcome: 'cut',
      httpStatus: null,
      code: null,
      description: null,
      fault: null,
      messageId: null,
      chatId: null,
    };
    const fault = faults.take(entry.method);
    if (fault !== null) {
      entry.fault = nameOf(fault);
      // The fault queue has become shorter.
      feed.emit({ type: 'state' });
    }
    try {
      await this.#handleCall({ request, response, target, fault, entry });
    } finally {
      requests.add(entry);
    }
  }

  /** Updates `entry` step by step, so that it is right wherever the call ends. */
  async #handleCall(call: {
    request: IncomingMessage;
    response: ServerResponse;
    target: Target | null;
    fault: Fault | null;
    entry: TelegramRequest;
  }): Promise<void> {
    const { request, response, target, fault, entry } = call;
    if (fault?.kind === 'down') return this.refuse(fault.forMs);
    if (isCut(fault, 'atOnce')) return cut(request);
    const body = await readBytes(request, bodyBytesMax);
    if (isCut(fault, 'unstored')) return cut(request);
    if (fault?.kind === 'page' || fault?.kind === 'says') {
      entry.outcome = 'page';
      entry.httpStatus = fault.status;
      return fault.kind === 'page'
        ? sendText(response, fault.status, proxyPage(fault.status), 'text/html')
        : sendText(response, fault.status, fault.body, fault.contentType ?? 'application/json');
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const answer = await this.#answer(target, request, body, fault, entry, gone.signal);
    if (isCut(fault, 'stored')) return cut(request);
    if (isCut(fault, 'answer')) return cutInTheMiddle(request, response, answer);
    // A client that disconnected before the last byte does not know of the effect.
    const isWhole = await (fault?.kind === 'slow'
      ? sendSlowly(response, answer, fault, this.#telegram.closing)
      : sendAtOnce(response, answer));
    if (!isWhole) return;
    entry.httpStatus = answer.status;
    entry.outcome = entry.code !== null ? 'error' : target?.kind === 'file' ? 'file' : 'success';
  }

  async #answer(
    target: Target | null,
    request: IncomingMessage,
    body: Buffer | null,
    fault: Fault | null,
    entry: TelegramRequest,
    signal: AbortSignal,
  ): Promise<RenderedResponse> {
    try {
      if (body === null) throw new ApiError(413, 'Request Entity Too Large');
      if (!/^(?:GET|POST)$/.test(request.method ?? '')) throw new ApiError(501, 'Not Implemented');
      if (target === null) throw new ApiError(404, 'Not Found');
      if (fault?.kind === 'error') {
        throw new ApiError(fault.code, fault.description, fault.parameters ?? null);
      }
      this.#checkToken(target.token);
      if (target.kind === 'file') return this.#file(target.name);
      return await this.#call(target, request, body, fault, entry, signal);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      entry.code = error.code;
      entry.description = error.message;
      return renderError(error);
    }
  }

  #checkToken(token: string): void {
    const isToken = token.length <= 80 && /^[1-9]\d*:[^/]+$/.test(token);
    if (!isToken) throw new ApiError(401, 'Unauthorized: invalid token specified');
    if (token !== this.#telegram.access.token) throw new ApiError(401, 'Unauthorized');
  }

  #file(path: string): RenderedResponse {
    const { state, clock } = this.#telegram;
    const found = state.paths.get(path);
    if (found === undefined || found.untilMs <= clock.now()) throw new ApiError(404, 'Not Found');
    const { content } = found.file;
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': content.length,
    };
    return { status: 200, headers, body: content };
  }

  async #call(
    { name, query }: Target,
    request: IncomingMessage,
    body: Buffer,
    fault: Fault | null,
    entry: TelegramRequest,
    signal: AbortSignal,
  ): Promise<RenderedResponse> {
    const contentType = request.headers['content-type'] ?? '';
    const params = await readParams(query, contentType, body);
    entry.params = Object.fromEntries(
      Object.entries(params.all()).map(([key, value]) => [key, value.slice(0, loggedLengthMax)]),
    );
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (method === undefined) throw new ApiError(404, 'Not Found: method not found');
    const { result, description } = await method({
      telegram: this.#telegram,
      params,
      requestN: entry.n,
      repeats: fault?.kind === 'repeat' ? fault.updates : 0,
      signal,
      touched(message) {
        entry.messageId = message.messageId;
        entry.chatId = message.chatId;
      },
    });
    return renderJson(200, { ok: true, result, ...(description && { description }) });
  }
}

/** Null for a path that is none of the API. */
function targetOf(url: string): Target | null {
  const [path = '', search = ''] = url.split(/\?(.*)/s, 2);
  const [, folder, token, rest] = /^\/(file\/)?bot([^/]*)\/+(.*)$/s.exec(path) ?? [];
  if (token === undefined || rest === undefined) return null;
  const query = new URLSearchParams(search);
  try {
    const name = decodeURIComponent(rest);
    return folder === undefined
      ? { kind: 'method', token: decodeURIComponent(token), name: name.toLowerCase(), query }
      : { kind: 'file', token: decodeURIComponent(token), name, query };
  } catch {
    return null;
  }
}

function renderError({ code, message, parameters }: ApiError): RenderedResponse {
  const rendered = renderJson(code, {
    ok: false,
    error_code: code,
    description: message,
    ...(parameters && { parameters }),
  });
  const retryAfter = parameters?.retry_after;
  if (retryAfter !== undefined) rendered.headers['retry-after'] = retryAfter;
  // The rest of a body that is too large is not read.
  if (code === 413) rendered.headers['connection'] = 'close';
  return rendered;
}

function renderJson(status: number, value: unknown): RenderedResponse {
  const body = Buffer.from(JSON.stringify(value));
  return {
    status,
    headers: { 'content-type': 'application/json', 'content-length': body.length },
    body,
  };
}

/** The error page of a proxy in front of the API; not JSON. */
const proxyPage = (status: number): string =>
  `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
