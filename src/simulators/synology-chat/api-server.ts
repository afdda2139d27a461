/**
 * The HTTP server of the API: reads requests, applies faults, responds, and keeps the request log.
 *
 * 1. A fault before the post is stored leaves no post; a later fault leaves one. The log records which.
 * 2. While connections are refused the port is closed: a client gets ECONNREFUSED, not a silent peer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  cut,
  cutInTheMiddle,
  isCut,
  jsonType,
  nameOf,
  readBody,
  sendAtOnce,
  sendSlowly,
  sendText,
  type RenderedResponse,
} from '../http-trouble.ts';
import { RefusableServer } from '../refusable-server.ts';
import { Api, type SimulatedResponse, type ApiResult } from './api.ts';
import type { Certificate } from './certificate.ts';
import type { Fault } from './api-faults.ts';
import type { SimulatorContext } from './simulator-context.ts';
import { payloadFormat, parsePayload } from './payload.ts';
import type { ApiRequest } from './api-request.ts';

const apiPath = '/webapi/entry.cgi';

/** Posts have up to 2,000 characters; this leaves room for escaping all of them and for many buttons. */
const bodyBytesMax = 1024 * 1024;

export class ApiServer extends RefusableServer {
  readonly #nas: SimulatorContext;
  readonly #api: Api;

  constructor(nas: SimulatorContext, certificate: Certificate | null) {
    super({
      handle: (request, response) => this.#handle(request, response),
      certificate,
      changed(isListening) {
        nas.power.isListening = isListening;
        nas.feed.emit({ type: 'state' });
      },
      closing: nas.closing,
    });
    this.#nas = nas;
    this.#api = new Api(nas);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { requests, faults, feed, clock } = this.#nas;
    const url = new URL(request.url ?? '/', 'http://nas');
    if (!url.pathname.endsWith(apiPath)) return sendPage(response, 404);
    const method = url.searchParams.get('method') ?? '';
    const entry: ApiRequest = {
      n: requests.nextN(),
      atMs: clock.now(),
      method,
      integration: null,
      form: 'none',
      text: null,
      userIds: [],
      outcome: 'cut',
      httpStatus: null,
      code: null,
      fault: null,
      postIds: [],
    };
    const fault = faults.take(method);
    if (fault !== null) {
      entry.fault = nameOf(fault);
      // The fault queue has become shorter.
      feed.emit({ type: 'state' });
    }
    try {
      await this.#handleCall(request, response, url, fault, entry);
    } finally {
      requests.add(entry);
    }
  }

  /** Updates `entry` step by step, so that it is right wherever the call ends. */
  async #handleCall(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    fault: Fault | null,
    entry: ApiRequest,
  ): Promise<void> {
    if (fault?.kind === 'down') {
      await this.refuse(fault.forMs);
      return;
    }
    if (isCut(fault, 'atOnce')) return cut(request);
    const body = await readBody(request, bodyBytesMax);
    if (body === null) {
      entry.outcome = 'page';
      entry.httpStatus = 413;
      return sendPage(response, 413);
    }
    entry.form = payloadFormat(body);
    if (isCut(fault, 'unstored')) return cut(request);
    if (fault?.kind === 'page') {
      entry.outcome = 'page';
      entry.httpStatus = fault.status;
      return sendPage(response, fault.status);
    }
    if (fault?.kind === 'says') {
      entry.outcome = 'page';
      entry.httpStatus = fault.status;
      return sendText(response, fault.status, fault.body, fault.contentType ?? jsonType);
    }
    const result = await this.#resultOf(url, body, fault, entry);
    if (isCut(fault, 'stored')) return cut(request);
    const answer = renderResponse(result.answer);
    if (isCut(fault, 'answer')) return cutInTheMiddle(request, response, answer);
    // A client that disconnected before the last byte does not know of the post.
    const isWhole = await (fault?.kind === 'slow'
      ? sendSlowly(response, answer, fault, this.#nas.closing)
      : sendAtOnce(response, answer));
    if (!isWhole) return;
    entry.httpStatus = answer.status;
    entry.outcome = outcomeOf(result.answer);
  }

  async #resultOf(
    url: URL,
    body: string,
    fault: Fault | null,
    entry: ApiRequest,
  ): Promise<ApiResult> {
    if (fault?.kind === 'error') {
      const { code, errors = 'failed on request' } = fault;
      entry.code = code;
      const answer: SimulatedResponse = { kind: 'error', code, errors };
      return { answer, integration: null, payload: null, posts: [] };
    }
    if (fault?.kind === 'nobody') return undeliveredResult(body);
    const form = entry.form === 'json' ? null : new URLSearchParams(body);
    const params = (name: string) => url.searchParams.get(name) ?? form?.get(name) ?? null;
    const result = await this.#api.handle({ params, body, requestN: entry.n });
    const { answer, integration, payload, posts } = result;
    entry.integration = integration;
    entry.text = payload?.text ?? null;
    entry.userIds = payload?.userIds ?? [];
    entry.postIds = posts.map((post) => post.postId);
    entry.code = answer.kind === 'error' ? answer.code : answer.kind === 'noFile' ? 404 : null;
    return result;
  }
}

/** Errors have status 200 like all other responses. Only a missing file has both an error status and a code. */
function renderResponse(answer: SimulatedResponse): RenderedResponse {
  switch (answer.kind) {
    case 'file': {
      const { name, type, content } = answer.file;
      const disposition = `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;
      return {
        status: 200,
        headers: {
          'content-type': type,
          'content-length': content.length,
          'content-disposition': disposition,
        },
        body: content,
      };
    }
    case 'success':
      return renderJson(200, { data: answer.data, success: true });
    case 'error':
      return renderJson(200, {
        error: { code: answer.code, errors: answer.errors },
        success: false,
      });
    case 'noFile':
      return renderJson(404, { error: { code: 404, errors: 'no file' }, success: false });
    default:
      throw answer satisfies never;
  }
}

function renderJson(status: number, value: unknown): RenderedResponse {
  const body = Buffer.from(JSON.stringify(value));
  const headers = {
    'content-type': jsonType,
    'content-length': body.length,
  };
  return { status, headers, body };
}

const outcomeOf = ({ kind }: SimulatedResponse): ApiRequest['outcome'] =>
  kind === 'noFile' ? 'error' : kind;

/** Chat's result when it could post to none of the users. */
function undeliveredResult(body: string): ApiResult {
  const payload = parsePayload(body);
  const fail = payload.ok ? payload.value.userIds : [];
  const data = { fail, succ: { user_id_post_map: {} } };
  return { answer: { kind: 'success', data }, integration: null, payload: null, posts: [] };
}

/** The error page of the web server in front of the package; not JSON. */
function sendPage(response: ServerResponse, status: number): void {
  const page = `<!DOCTYPE html><html><head><title>${status}</title></head><body><h1>Sorry, the page you are looking for is not found.</h1></body></html>`;
  sendText(response, status, page, 'text/html; charset=utf-8');
}
