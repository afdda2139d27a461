/**
 * The whole chart as text of a readable size: each state with its inner states as chips, and its outgoing transitions
 * below them. Read from the drawing, and marked with the same `data-id` and `data-edge`, so that both are coloured
 * alike.
 */
import type { VNode } from 'preact';
import { built, ui } from '#shared/page/ui';

interface State {
  id: string;
  title: string;
  about: string;
  x: number;
  y: number;
}

interface Way {
  key: string;
  source: string;
  target: string;
  kind: string;
  labels: (string | null)[];
}

/** @param drawing the chart as an SVG */
export function compactChart(drawing: SVGSVGElement): HTMLElement {
  const states = [...drawing.querySelectorAll<SVGElement>('[data-id]')].map(stateOf);
  const ids = new Set(states.map(({ id }) => id));
  const edges = [...drawing.querySelectorAll<SVGElement>('[data-edge]')];
  const ways = edges.map((edge) => wayOf(drawing, edge));
  const rows = states.filter(({ id }) => !ids.has(parentOf(id))).sort(byPlace);
  const waysFrom = (id: string): Way[] =>
    ways.filter(({ source }) => source === id || source.startsWith(`${id}.`));
  const fromAnywhere = ways.filter(({ source }) => !ids.has(source) && !source.includes('/'));
  const chipsOf = (top: State) => [
    chip(top, 'chip'),
    ...states
      .filter(({ id }) => id.startsWith(`${top.id}.`))
      .sort(byPlace)
      .map((child) => chip(child, 'chip inner-chip')),
  ];
  const [ends, others] = [true, false].map((isEnd) =>
    rows.filter(({ id }) => (waysFrom(id).length === 0) === isEnd),
  ) as [State[], State[]];
  return built(ui`<ol class="chart compact-chart" aria-label="States">
    ${others.map((top) => rowOf(chipsOf(top), waysFrom(top.id), top.id))}
    ${fromAnywhere.length > 0 && rowOf([ui`<span class="any-chip">any state</span>`], fromAnywhere, '')}
    ${ends.length > 0 && rowOf(ends.flatMap(chipsOf), [], '')}
  </ol>`);
}

/** From the top of the drawing down: the order in which a job reaches the states. */
const byPlace = (one: State, other: State): number => one.y - other.y || one.x - other.x;

function stateOf(node: SVGElement): State {
  const box = node.querySelector('.box');
  const lines = [...node.querySelectorAll('.line')];
  return {
    id: node.dataset['id']!,
    title: node.querySelector('.title')?.textContent ?? '',
    about: lines.map(({ textContent }) => textContent).join(', '),
    x: Number(box?.getAttribute('x')),
    y: Number(box?.getAttribute('y')),
  };
}

function wayOf(drawing: SVGSVGElement, edge: SVGElement): Way {
  const key = edge.dataset['edge']!;
  const [source = '', target = ''] = key.replace(/:[^:]*$/, '').split('→');
  const label = drawing.querySelector(`[data-edge-label="${CSS.escape(key)}"]`);
  const labels = [...(label?.querySelectorAll('text') ?? [])].map((text) => text.textContent);
  const kind = [...edge.classList].find((name) => name !== 'edge') ?? '';
  return { key, source, target, kind, labels };
}

const parentOf = (id: string): string => id.slice(0, id.lastIndexOf('.'));
/** Without the machine's name. */
const shortName = (id: string): string => id.split('.').slice(1).join(' / ');

const chip = ({ id, title, about }: State, kind: string) =>
  ui`<span class=${kind} data-id=${id} title=${about === '' ? null : about}>${title}</span>`;

const rowOf = (chips: VNode[], ways: Way[], top: string) =>
  ui`<li class="compact-state">
    <p class="compact-names">${chips}</p>
    ${ways.length > 0 && ui`<ul class="compact-ways">${ways.map((way) => wayLine(way, top))}</ul>`}
  </li>`;

function wayLine({ key, source, target, kind, labels }: Way, top: string) {
  const from = source === top || top === '' ? '' : `${source.slice(top.length + 1)}: `;
  const within = top !== '' && target.startsWith(`${top}.`);
  const to = within ? target.slice(top.length + 1) : shortName(target);
  return ui`<li class="way ${kind}" data-edge=${key}>${from}${labels.join(', ')} → <b>${to}</b></li>`;
}
