/** Requests to the core, with the key where one is needed. The key is kept for the life of the tab. */
import type { SubmitReceipt } from '#shared/wire/job-service';

const keyName = 'gatehouse-key';

/** A header may only contain these characters: with others the browser rejects the request. */
export const isKey = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);

export function storedKey(): string {
  const key = sessionStorage.getItem(keyName) ?? '';
  return isKey(key) ? key : '';
}
/** Call it only with a key that the core has accepted. */
export const storeKey = (key: string): void => sessionStorage.setItem(keyName, key);
export const forgetKey = (): void => sessionStorage.removeItem(keyName);

/** `user`: the user of the key; null: the operator's. `redaction`: `inspector.redaction`. */
export interface Session {
  user: string | null;
  redaction: string;
}
export const askSession = (key = storedKey()): Promise<Session> =>
  call('/inspect/api/session', undefined, key);

export const hidesTexts = (): boolean => sessionStorage.getItem('gatehouse-hide') === 'yes';
export const setHidesTexts = (on: boolean): void =>
  sessionStorage.setItem('gatehouse-hide', on ? 'yes' : 'no');

/** A request that was refused: `status`, and the core's error text. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message = '') {
    super(message);
    this.status = status;
  }
}

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
export const statusOf = (error: unknown): number => (error instanceof Refused ? error.status : 0);

/** @param body posted when given; `method`: another one */
export async function call<Answer>(
  path: string,
  body?: object,
  key = storedKey(),
  method = body === undefined ? 'GET' : 'POST',
): Promise<Answer> {
  const response = await fetch(path, {
    method,
    headers: {
      ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json().catch(() => ({}))) as Answer & { detail?: string };
  if (response.ok) return answer;
  throw new Refused(response.status, answer.detail ?? `The core answered ${response.status}`);
}

/** Loads the chart from the core as a document: an SVG is never parsed from a string here. */
export function fetchChart(machine: string): Promise<SVGSVGElement> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('GET', `/inspect/api/charts/${machine}`);
    request.responseType = 'document';
    request.overrideMimeType('image/svg+xml');
    const key = storedKey();
    if (key !== '') request.setRequestHeader('authorization', `Bearer ${key}`);
    request.addEventListener('load', () => {
      const root = request.responseXML?.documentElement;
      if (request.status === 200 && root)
        resolve(document.importNode(root as Element as SVGSVGElement, true));
      else reject(new Refused(request.status, 'The chart could not be drawn'));
    });
    request.addEventListener('error', () => reject(new Refused(0, 'The core cannot be reached')));
    request.send();
  });
}

export const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');

/** The draft that a message replies to. */
export interface ShownDraft {
  job_id: string;
  draft_seq: number | undefined;
}

/** The same key twice is one job. `draft` null: the message is not a reply. */
export interface Attempt {
  idempotency_key: string;
  draft: ShownDraft | null;
}

/** Sends a message as any other client does; resolves to the job's id. */
export async function submit(
  message: string,
  user: string,
  attempt: Attempt = { idempotency_key: newKey(), draft: null },
): Promise<string> {
  const receipt = await call<SubmitReceipt>('/chat', { message, user_id: user, ...attempt });
  return receipt.job_id;
}
