/**
 * A laid-out chart as SVG text. The page finds boxes by `data-id` and arrows by `data-edge`, and colours
 * them by adding classes: nothing is laid out or drawn again while a job moves. Pure.
 *
 * No `style` attribute anywhere: the page's content security policy would drop it.
 */
import { lineHeight, type ChartLayout } from './chart-layout.ts';

/** Rounds the corners of arrows; more than half the distance between two parallel ones would look like loops. */
const cornerRadius = 5;
/** Where the first line of text stands below the top of its box. */
const titleBaseline = 17;

export function chartSvg(layout: ChartLayout, title: string, hash: string, style: string): string {
  const { id, width, height } = layout;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}" data-hash="${hash}">`,
    `<style>${style}</style>`,
    `<defs><marker id="${id}-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" orient="auto-start-reverse"><path class="arrow" d="M0 0.5 L7.5 4 L0 7.5 Z"/></marker></defs>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...layout.nodes.filter((node) => node.isCompound).map(nodeSvg),
    ...layout.edges.map((edge) => edgeSvg(edge, id)),
    ...layout.nodes.filter((node) => !node.isCompound).map(nodeSvg),
    ...layout.marks.map(markSvg),
    ...layout.edges.map(labelSvg),
    '</svg>\n',
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function nodeSvg(node: ChartLayout['nodes'][number]): string {
  const { x, y, width, height, title, lines, isFinal, isCompound } = node;
  const classes = ['node', isCompound ? 'compound' : 'leaf', ...(isFinal ? ['final'] : [])];
  const inner = isFinal
    ? `<rect class="inner" x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${height - 6}" rx="6"/>`
    : '';
  const texts = lines.map(
    (line, index) =>
      `<text class="line" x="${x + 12}" y="${y + titleBaseline + lineHeight * (index + 1)}">${escape(line)}</text>`,
  );
  return `<g class="${classes.join(' ')}" data-id="${escape(node.id)}"><rect class="box" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>${inner}<text class="title" x="${x + 12}" y="${y + titleBaseline}">${escape(title)}</text>${texts.join('')}</g>`;
}

function edgeSvg({ key, kind, points }: ChartLayout['edges'][number], chart: string): string {
  return `<g class="edge ${kind}" data-edge="${escape(key)}"><path class="wire" d="${pathOf(points)}" marker-end="url(#${chart}-arrow)"/></g>`;
}

function labelSvg({ key, kind, labels }: ChartLayout['edges'][number]): string {
  const texts = labels
    .filter(({ text }) => text !== '')
    .map(
      ({ x, y, width, height, text }) =>
        `<rect class="behind" x="${x}" y="${y}" width="${width}" height="${height}" rx="3"/><text x="${x + 3}" y="${y + height - 4}">${escape(text)}</text>`,
    );
  if (texts.length === 0) return '';
  return `<g class="edge-label ${kind}" data-edge-label="${escape(key)}">${texts.join('')}</g>`;
}

function markSvg({ kind, x, y, width, height }: ChartLayout['marks'][number]): string {
  if (kind === 'initial') {
    return `<circle class="initial-dot" cx="${x + width / 2}" cy="${y + height / 2}" r="${width / 2}"/>`;
  }
  return `<g class="any"><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${height / 2}"/><text x="${x + width / 2}" y="${y + height - 8}" text-anchor="middle">any state</text></g>`;
}

type Point = ChartLayout['edges'][number]['points'][number];

function pathOf(points: Point[]): string {
  return points
    .map((point, index) => {
      const before = points[index - 1];
      const after = points[index + 1];
      if (before === undefined) return `M${point.x} ${point.y}`;
      if (after === undefined) return `L${point.x} ${point.y}`;
      const enter = towards(point, before);
      const leave = towards(point, after);
      return `L${enter.x} ${enter.y}Q${point.x} ${point.y} ${leave.x} ${leave.y}`;
    })
    .join('');
}

function towards(corner: Point, other: Point): Point {
  const length = Math.hypot(other.x - corner.x, other.y - corner.y) || 1;
  const share = Math.min(cornerRadius, length / 2) / length;
  return {
    x: Math.round((corner.x + (other.x - corner.x) * share) * 10) / 10,
    y: Math.round((corner.y + (other.y - corner.y) * share) * 10) / 10,
  };
}

const escape = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
