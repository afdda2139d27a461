/** docs/lifecycle.md lists the states of every machine and the transitions between them. */
import { expect, test } from 'vitest';
import { chartOf, type ChartEdge, type ChartNode } from '#inspector/charts/chart-model';
import { drawnMachines } from '#inspector/charts/charts';
import { expectMade, tableOf } from './made-part.ts';

const flat = (nodes: readonly ChartNode[]): ChartNode[] =>
  nodes.flatMap((node) => [node, ...flat(node.children)]);

const withoutMachine = (id: string): string => id.split('.').slice(1).join('.');

function waysFrom(node: ChartNode, edges: readonly ChartEdge[]): string {
  if (node.isFinal) return 'ends here';
  const ways = edges
    .filter(({ source, kind }) => source === node.id && kind !== 'initial')
    .map(({ target, labels }) => `${labels.join(' or ')} → \`${withoutMachine(target)}\``);
  const begins = node.initial === null ? [] : [`begins in \`${node.initial}\``];
  return [...begins, ...ways].join('<br>').replaceAll('|', '\\|');
}

const parts = Object.entries(drawnMachines).map(([name, { machine, title }]) => {
  const { nodes, edges } = chartOf(machine);
  const rows = flat(nodes).map((node) => [
    `\`${withoutMachine(node.id)}\``,
    node.lines.join('; '),
    waysFrom(node, edges),
  ]);
  const anywhere = edges
    .filter(({ source }) => source === machine.id)
    .map(({ target, labels }) => `${labels.join(' or ')} → \`${withoutMachine(target)}\``);
  const head = `## ${title} ([machines/${name}.ts](../machines/${name}.ts), [chart](charts/${name}.svg))\n\n`;
  const note = anywhere.length === 0 ? '' : `\nFrom every state: ${anywhere.join(', ')}.\n`;
  return `${head}${tableOf(['state', 'what happens', 'what leads on'], rows)}${note}`;
});

test('docs/lifecycle.md has the states and transitions of every machine that has a chart', () => {
  expectMade('lifecycle.md', `\n${parts.join('\n')}\n`);
});

test('every state of the job machine has a description', () => {
  const { nodes } = chartOf(drawnMachines['job']!.machine);
  expect(nodes.filter(({ lines }) => lines.length === 0).map(({ id }) => id)).toEqual([]);
});
