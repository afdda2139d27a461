/** Inputs of a panel for failures and rules: single faults, switches, numbers, choices and shares. */
import type { VNode } from 'preact';
import { ui } from '#shared/page/ui';
import type { QueuedFault } from '../fault-queue.ts';

interface InputOf {
  currentTarget: HTMLInputElement;
}

type Apply<T> = (value: T) => Promise<unknown>;

/** @param faults by the name that the page shows @param fail `times`: null until they are cleared */
export function faultForm<F>(
  faults: Readonly<Record<string, F>>,
  fail: (fault: F, times: number | null) => Promise<unknown>,
  clear: () => Promise<unknown>,
): VNode {
  const add = (event: SubmitEvent): void => {
    event.preventDefault();
    const [which, times] = (event.currentTarget as HTMLFormElement).querySelectorAll('select');
    void fail(faults[which!.value]!, times!.value === '' ? null : Number(times!.value));
  };
  return ui`<form class="fault-form" onsubmit=${add} aria-label="The next requests fail">
    <select aria-label="Failure">${Object.keys(faults).map((name) => ui`<option>${name}</option>`)}</select>
    <select aria-label="How often">
      <option value="1">once</option>
      <option value="5">5 times</option>
      <option value="">until cleared</option>
    </select>
    <button type="submit">Fail</button>
    <button type="button" onclick=${clear}>Clear</button>
  </form>`;
}

export const queuedLine = (queued: readonly QueuedFault<{ kind: string }, string>[]): VNode =>
  ui`<p class="note" role="status">
    ${queued.length === 0 ? 'The next requests work.' : `Next: ${queued.map(words).join(', ')}`}
  </p>`;

/** `timesLeft` is null in JSON for an unlimited fault. */
const words = ({ fault, timesLeft }: QueuedFault<{ kind: string }, string>): string => {
  const { kind, ...about } = fault;
  const [code = ''] = ['code', 'status', 'at'].flatMap(
    (name) => (about as Record<string, string>)[name] ?? [],
  );
  return `${kind} ${code} × ${timesLeft ?? '∞'}`;
};

export const toggle = (text: string, isOn: boolean, apply: Apply<boolean>): VNode =>
  ui`<label class="toggle">
    <input type="checkbox" checked=${isOn} onchange=${({ currentTarget }: InputOf) => void apply(currentTarget.checked)} />
    <span>${text}</span>
  </label>`;

/** @param values by value, what the page shows */
export const choice = (
  text: string,
  value: string,
  values: Readonly<Record<string, string>>,
  apply: Apply<string>,
): VNode =>
  ui`<label><span>${text}</span>
    <select value=${value} onchange=${({ currentTarget }: InputOf) => void apply(currentTarget.value)}>
      ${Object.entries(values).map(([one, name]) => ui`<option value=${one}>${name}</option>`)}
    </select>
  </label>`;

export const numberField = (text: string, value: number, apply: Apply<number>): VNode =>
  ui`<label><span>${text}</span>
    <input type="number" min="0" value=${value}
      onchange=${({ currentTarget }: InputOf) => void apply(Number(currentTarget.value))} /></label>`;

/** @param value 0 to 1 */
export function slider(text: string, value: number, apply: Apply<number>): VNode {
  const percent = Math.round(value * 100);
  const tell = ({ currentTarget }: InputOf): void => {
    currentTarget.nextElementSibling!.textContent = `${currentTarget.value} %`;
  };
  const set = ({ currentTarget }: InputOf): void => void apply(Number(currentTarget.value) / 100);
  return ui`<label><span>${text}</span>
    <span class="slider">
      <input type="range" min="0" max="100" step="5" value=${percent} oninput=${tell} onchange=${set} />
      <output key=${percent}>${percent} %</output>
    </span>
  </label>`;
}
