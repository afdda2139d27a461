/**
 * Controls for failures: single faults, a storm, the package, the connection, and the rules that differ between
 * versions.
 */
import { ui } from '#shared/page/ui';
import {
  choice,
  faultForm,
  numberField,
  queuedLine,
  slider,
  toggle,
} from '../../page/fault-controls.ts';
import type { Fault } from '../api-faults.ts';
import type { DsmState } from '../dsm-controls.ts';
import type { DsmRules } from '../rules.ts';
import { act } from './do.ts';

/** By the name that the page shows. */
const faults: Record<string, Fault> = {
  '100 unknown error': { kind: 'error', code: 100, errors: 'unknown error' },
  '404 invalid token': { kind: 'error', code: 404, errors: 'invalid token' },
  '410 message too long': { kind: 'error', code: 410, errors: 'msg too long' },
  '411 post too fast': { kind: 'error', code: 411, errors: 'create post too fast' },
  '109 busy': { kind: 'error', code: 109, errors: 'busy' },
  '117 busy': { kind: 'error', code: 117, errors: 'busy' },
  '118 busy': { kind: 'error', code: 118, errors: 'busy' },
  '105 no permission': { kind: 'error', code: 105, errors: 'no permission' },
  '999, a code that is not known': { kind: 'error', code: 999, errors: 'failed' },
  '800 no target': { kind: 'error', code: 800, errors: 'no target' },
  'success, but posted to nobody': { kind: 'nobody' },
  'an empty answer': { kind: 'says', status: 200, body: '' },
  'the login page of DSM': {
    kind: 'says',
    status: 200,
    body: '<!DOCTYPE html><script src="webman/login.js"></script>',
    contentType: 'text/html',
  },
  'HTTP 429 in JSON': { kind: 'says', status: 429, body: '{"message":"too many requests"}' },
  'HTTP 302 page': { kind: 'page', status: 302 },
  'HTTP 403 page': { kind: 'page', status: 403 },
  'HTTP 404 page': { kind: 'page', status: 404 },
  'HTTP 500 page': { kind: 'page', status: 500 },
  'HTTP 503 page': { kind: 'page', status: 503 },
  'slow (10 s, then drop by drop)': { kind: 'slow', headersMs: 10_000, bodyMs: 5_000 },
  'cut at once': { kind: 'cut', at: 'atOnce' },
  'cut after reading, nothing posted': { kind: 'cut', at: 'unstored' },
  'cut after posting: the answer is lost': { kind: 'cut', at: 'stored' },
  'cut in the middle of the answer': { kind: 'cut', at: 'answer' },
  'connections refused for 30 s': { kind: 'down', forMs: 30_000 },
};

/** By the rule that they change. */
const switches: [keyof DsmRules, string][] = [
  ['sendsHead', 'HEAD before each POST'],
  ['acceptsNoContent', 'Takes 204 for 200'],
  ['sendsFileName', 'Webhooks name the file'],
  ['sendsNameAsText', 'A file alone: its name is the text'],
  ['acceptsBareToken', 'Takes a token without quotes'],
];
const numbers: [keyof DsmRules, string][] = [
  ['textLengthMax', 'Longest text'],
  ['postIntervalMsMin', 'Milliseconds between posts'],
  ['outgoingTimeoutMs', 'Time limit of webhooks (ms)'],
  ['retries', 'Further tries of webhooks'],
];
const rates: [keyof DsmRules, string][] = [
  ['duplicateRate', 'Webhooks sent twice'],
  ['reorderRate', 'Webhooks out of order'],
];

export function failurePanel({ rules, storm, faults: queued, ...power }: DsmState) {
  return ui`<div class="failures">
    ${faultForm(
      faults,
      (fault, times) => act({ do: 'fail', fault, times }),
      () => act({ do: 'clearFaults' }),
    )}
    ${queuedLine(queued)}
    ${slider('Storm: requests that fail', storm?.rate ?? 0, (rate) => act({ do: 'storm', rate }))}
    ${toggle('Chat is running', power.isPackageRunning, (isRunning) => act({ do: 'package', isRunning }))}
    ${toggle('Connections are accepted', power.isListening, (isListening) =>
      act({ do: 'connections', isListening }),
    )}
    ${switches.map(([rule, text]) => toggle(text, rules[rule] === true, (on) => change(rule, on)))}
    ${choice(
      'Stops sending after',
      rules.sulksAfter,
      { failure: 'any failure', answer: 'a wrong answer', nothing: 'nothing' },
      (value) => change('sulksAfter', value),
    )}
    ${choice(
      'Length counted in',
      rules.textLengthUnit,
      { codePoints: 'characters', bytes: 'bytes' },
      (value) => change('textLengthUnit', value),
    )}
    ${numbers.map(([rule, text]) => numberField(text, Number(rules[rule]), (value) => change(rule, value)))}
    ${rates.map(([rule, text]) => slider(text, Number(rules[rule]), (rate) => change(rule, rate)))}
  </div>`;
}

const change = (rule: keyof DsmRules, value: unknown) =>
  act({ do: 'rules', change: { [rule]: value } });

const kinds = { bot: 'Bot', outgoing: 'Outgoing webhook', incoming: 'Incoming webhook' };

export const integrationPanel = ({ integrations, fingerprint256 }: DsmState) =>
  ui`<div class="integrations">
    ${integrations.map(card)}
    ${fingerprint256 && ui`<p class="note">Certificate (SHA-256): <code>${fingerprint256}</code></p>`}
  </div>`;

function card({ kind, name, bridgeUrl, apiUrl, isSulking }: DsmState['integrations'][number]) {
  const field = `url-${name}`;
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const url = form.querySelector('input')!.value.trim();
    void act({ do: 'saveUrl', integration: name, ...(url === '' ? {} : { url }) });
  };
  return ui`<form class="integration" onsubmit=${save} aria-label=${name} key=${name}>
    <h3>${kinds[kind]} ${name}</h3>
    ${isSulking && ui`<p class="problem">It has stopped sending: a request to the bot server failed.</p>`}
    <label for=${field}>Outgoing URL</label>
    <input id=${field} type="url" key=${bridgeUrl} defaultValue=${bridgeUrl ?? ''}
      placeholder="http://127.0.0.1:8101/webhook/synology" />
    <button type="submit" class=${isSulking ? 'primary' : ''}>Save the URL</button>
    ${apiUrl && ui`<p class="note">Incoming URL: <code>${apiUrl}</code></p>`}
  </form>`;
}
