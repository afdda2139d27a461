/** Requests to the core, with the key where one is needed. The key is kept for the life of the tab. */

const keyName = 'gatehouse-key';

/** A header may only contain these characters: with others the browser rejects the request. */
export const isKey = (text) => /^[\x21-\x7e]+$/.test(text);

export function storedKey() {
  const key = sessionStorage.getItem(keyName) ?? '';
  return isKey(key) ? key : '';
}
/** Call it only with a key that the core has accepted. */
export const storeKey = (key) => sessionStorage.setItem(keyName, key);
export const forgetKey = () => sessionStorage.removeItem(keyName);

/** The user of the key; null: the operator's. @returns {Promise<{ user: string | null }>} */
export const askSession = (key = storedKey()) => call('/inspect/api/session', undefined, key);

export const hidesTexts = () => sessionStorage.getItem('gatehouse-hide') === 'yes';
export const setHidesTexts = (on) => sessionStorage.setItem('gatehouse-hide', on ? 'yes' : 'no');

/** A request that was refused: `status`, and the core's error text. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @param {string} path @param {unknown} [body] posted when given */
export async function call(path, body, key = storedKey()) {
  const response = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Refused(response.status, answer.detail ?? `The core answered ${response.status}`);
}

/**
 * Loads the chart from the core as a document: an SVG is never parsed from a string here. @returns {Promise<Element>}
 */
export function fetchChart(machine) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('GET', `/inspect/api/charts/${machine}`);
    request.responseType = 'document';
    request.overrideMimeType('image/svg+xml');
    const key = storedKey();
    if (key !== '') request.setRequestHeader('authorization', `Bearer ${key}`);
    request.addEventListener('load', () => {
      const root = request.responseXML?.documentElement;
      if (request.status === 200 && root) resolve(document.importNode(root, true));
      else reject(new Refused(request.status, 'The chart could not be drawn'));
    });
    request.addEventListener('error', () => reject(new Refused(0, 'The core cannot be reached')));
    request.send();
  });
}

export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');

/**
 * Sends a message as any other client does.
 *
 * @param {{ idempotency_key: string, draft: object | null }} more the same key twice is one job; `draft`: the draft
 *   that the message replies to, null: the message is not a reply
 * @returns {Promise<string>} the job's id
 */
export async function submit(message, user, more = { idempotency_key: newKey(), draft: null }) {
  return (await call('/chat', { message, user_id: user, ...more })).job_id;
}
