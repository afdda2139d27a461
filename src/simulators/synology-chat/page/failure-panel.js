/**
 * Controls for failures: single faults, a storm, the package, the connection, and the rules that differ between
 * versions.
 */
import { act } from './act.js';
import { h } from './dom.js';

/** By the name that the page shows. */
const faults = {
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

const switches = {
  sendsHead: 'HEAD before each POST',
  acceptsNoContent: 'Takes 204 for 200',
  sendsFileName: 'Webhooks name the file',
  sendsNameAsText: 'A file alone: its name is the text',
  acceptsBareToken: 'Takes a token without quotes',
};

const numbers = {
  textLengthMax: 'Longest text',
  postIntervalMsMin: 'Milliseconds between posts',
  outgoingTimeoutMs: 'Time limit of webhooks (ms)',
  retries: 'Further tries of webhooks',
};

const rates = { duplicateRate: 'Webhooks sent twice', reorderRate: 'Webhooks out of order' };

const labelled = (text, input) => h('label', {}, h('span', {}, text), input);
const optionsOf = (names) => names.map((name) => h('option', {}, name));

export class FailurePanel {
  #queue = h('p', { class: 'note', role: 'status' });
  #inputs = new Map();
  element;

  constructor() {
    this.element = h(
      'div',
      { class: 'failures' },
      this.#faultForm(),
      this.#queue,
      this.#storm(),
      this.#toggle('isPackageRunning', 'Chat is running', (isRunning) =>
        act({ do: 'package', isRunning }),
      ),
      this.#toggle('isListening', 'Connections are accepted', (isListening) =>
        act({ do: 'connections', isListening }),
      ),
      Object.entries(switches).map(([rule, text]) =>
        this.#toggle(rule, text, (value) => change(rule, value)),
      ),
      this.#choice('sulksAfter', 'Stops sending after', {
        failure: 'any failure',
        answer: 'a wrong answer',
        nothing: 'nothing',
      }),
      this.#choice('textLengthUnit', 'Length counted in', {
        codePoints: 'characters',
        bytes: 'bytes',
      }),
      Object.entries(numbers).map(([rule, text]) => this.#number(rule, text)),
      Object.entries(rates).map(([rule, text]) =>
        this.#slider(rule, text, (rate) => change(rule, rate)),
      ),
    );
  }

  #faultForm() {
    const which = h('select', { 'aria-label': 'Failure' }, optionsOf(Object.keys(faults)));
    const times = h(
      'select',
      { 'aria-label': 'How often' },
      h('option', { value: '1' }, 'once'),
      h('option', { value: '5' }, '5 times'),
      h('option', { value: '' }, 'until cleared'),
    );
    const add = (event) => {
      event.preventDefault();
      const often = times.value === '' ? null : Number(times.value);
      void act({ do: 'fail', fault: faults[which.value], times: often });
    };
    return h(
      'form',
      { class: 'fault-form', onsubmit: add, 'aria-label': 'The next requests fail' },
      which,
      times,
      h('button', { type: 'submit' }, 'Fail'),
      h('button', { type: 'button', onclick: () => act({ do: 'clearFaults' }) }, 'Clear'),
    );
  }

  #storm() {
    return this.#slider('storm', 'Storm: requests that fail', (rate) => act({ do: 'storm', rate }));
  }

  #toggle(name, text, apply) {
    const input = h('input', { type: 'checkbox', onchange: () => void apply(input.checked) });
    this.#inputs.set(name, (value) => (input.checked = value));
    return h('label', { class: 'toggle' }, input, h('span', {}, text));
  }

  #choice(name, text, values) {
    const options = Object.entries(values).map(([value, words]) => h('option', { value }, words));
    const input = h('select', { onchange: () => change(name, input.value) }, options);
    this.#inputs.set(name, (value) => (input.value = value));
    return labelled(text, input);
  }

  #number(name, text) {
    const input = h('input', {
      type: 'number',
      min: 0,
      onchange: () => change(name, Number(input.value)),
    });
    this.#inputs.set(name, (value) => (input.value = String(value)));
    return labelled(text, input);
  }

  #slider(name, text, apply) {
    const shown = h('output', {});
    const tell = () => (shown.textContent = `${input.value} %`);
    const input = h('input', {
      type: 'range',
      min: 0,
      max: 100,
      step: 5,
      oninput: tell,
      onchange: () => void apply(Number(input.value) / 100),
    });
    this.#inputs.set(name, (value) => {
      input.value = String(Math.round(value * 100));
      tell();
    });
    return labelled(text, h('span', { class: 'slider' }, input, shown));
  }

  draw(state) {
    const { rules, storm, faults: queued, isPackageRunning, isListening } = state;
    const values = { ...rules, storm: storm?.rate ?? 0, isPackageRunning, isListening };
    for (const [name, set] of this.#inputs) set(values[name]);
    this.#queue.textContent =
      queued.length === 0 ? 'The next requests work.' : `Next: ${queued.map(words).join(', ')}`;
  }
}

const change = (rule, value) => act({ do: 'rules', change: { [rule]: value } });

/** `timesLeft` is null in JSON for an unlimited fault. */
const words = ({ fault, timesLeft }) =>
  `${fault.kind} ${fault.code ?? fault.status ?? fault.at ?? ''} × ${timesLeft ?? '∞'}`;
