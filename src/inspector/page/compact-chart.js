/**
 * The whole chart as text of a readable size: each state with its inner states as chips, and its outgoing transitions
 * below them. Read from the drawing, and marked with the same `data-id` and `data-edge`, so that both are coloured
 * alike.
 */
import { h } from './dom.js';

/** @param {Element} drawing the chart as an SVG @returns {HTMLElement} */
export function compactChart(drawing) {
  const states = [...drawing.querySelectorAll('[data-id]')].map(stateOf);
  const ids = new Set(states.map(({ id }) => id));
  const ways = [...drawing.querySelectorAll('[data-edge]')].map((edge) => wayOf(drawing, edge));
  const isTop = ({ id }) => !ids.has(parentOf(id));
  const inside = (top) => states.filter(({ id }) => id.startsWith(`${top.id}.`));
  const rows = states.filter(isTop).sort(byPlace);
  const isFrom = (id) => (way) => way.source === id || way.source.startsWith(`${id}.`);
  const fromAnywhere = ways.filter(({ source }) => !ids.has(source) && !source.includes('/'));
  const hasWays = (top) => ways.some(isFrom(top.id));
  const chipsOf = (top) => [
    chip(top, 'chip'),
    ...inside(top)
      .sort(byPlace)
      .map((child) => chip(child, 'chip inner-chip')),
  ];
  const ends = rows.filter((top) => !hasWays(top));
  return h(
    'ol',
    { class: 'chart compact-chart', 'aria-label': 'States' },
    ...rows.filter(hasWays).map((top) => rowOf(chipsOf(top), ways.filter(isFrom(top.id)), top.id)),
    fromAnywhere.length === 0
      ? null
      : rowOf([h('span', { class: 'any-chip' }, 'any state')], fromAnywhere, ''),
    ends.length === 0 ? null : rowOf(ends.flatMap(chipsOf), [], ''),
  );
}

/** From the top of the drawing down: the order in which a job reaches the states. */
const byPlace = (one, other) => one.y - other.y || one.x - other.x;

function stateOf(node) {
  const box = node.querySelector('.box');
  return {
    id: node.dataset.id,
    title: node.querySelector('.title')?.textContent ?? '',
    about: [...node.querySelectorAll('.line')].map(({ textContent }) => textContent).join(', '),
    x: Number(box?.getAttribute('x')),
    y: Number(box?.getAttribute('y')),
  };
}

function wayOf(drawing, edge) {
  const key = edge.dataset.edge;
  const [source, target] = key.replace(/:[^:]*$/, '').split('→');
  const label = drawing.querySelector(`[data-edge-label="${CSS.escape(key)}"]`);
  const labels = [...(label?.querySelectorAll('text') ?? [])].map((text) => text.textContent);
  const kind = [...edge.classList].find((name) => name !== 'edge') ?? '';
  return { key, source, target: target ?? '', kind, labels };
}

const parentOf = (id) => id.slice(0, id.lastIndexOf('.'));
/** Without the machine's name. */
const shortName = (id) => id.split('.').slice(1).join(' / ');

const chip = ({ id, title, about }, className) =>
  h('span', { class: className, 'data-id': id, title: about === '' ? null : about }, title);

const rowOf = (chips, ways, top) =>
  h(
    'li',
    { class: 'compact-state' },
    h('p', { class: 'compact-names' }, ...chips),
    ways.length === 0
      ? null
      : h('ul', { class: 'compact-ways' }, ...ways.map((way) => wayLine(way, top))),
  );

function wayLine({ key, source, target, kind, labels }, top) {
  const from = source === top || top === '' ? '' : `${source.slice(top.length + 1)}: `;
  const within = top !== '' && target.startsWith(`${top}.`);
  const to = within ? target.slice(top.length + 1) : shortName(target);
  return h(
    'li',
    { class: `way ${kind}`, 'data-edge': key },
    `${from}${labels.join(', ')} → `,
    h('b', {}, to),
  );
}
