/** The charts: complete, up to date, and with an arrow for every transition of the machine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getStateNodes } from 'xstate';
import type { AnyStateNode } from 'xstate';
import { describe, expect, test } from 'vitest';
import { layoutChart } from '#inspector/charts/chart-layout';
import { chartOf, type ChartNode } from '#inspector/charts/chart-model';
import { chartsFolder, drawChart, drawnMachines } from '#inspector/charts/charts';
import { jobMachine } from '#machines/job';

const idsOf = (nodes: ChartNode[]): string[] =>
  nodes.flatMap((node) => [node.id, ...idsOf(node.children)]);
const statesOf = (node: AnyStateNode): AnyStateNode[] =>
  Object.values(node.states).flatMap((child) => [child, ...statesOf(child)]);

describe.each(Object.keys(drawnMachines))('the chart of the %s machine', (name) => {
  const { machine } = drawnMachines[name]!;

  test('in docs/charts equals the chart of the current machine (else run: gatehouse draw)', async () => {
    expect(readFileSync(join(chartsFolder, `${name}.svg`), 'utf8')).toBe(await drawChart(name));
  });

  test('shows every state', () => {
    const states = statesOf(machine.root).map(({ id }) => id);
    expect(idsOf(chartOf(machine).nodes).sort()).toEqual(states.sort());
  });

  test('shows every transition that has a target, also transitions without an event', () => {
    const { edges } = chartOf(machine);
    for (const node of [machine.root, ...statesOf(machine.root)]) {
      for (const { target } of [...[...node.transitions.values()].flat(), ...(node.always ?? [])]) {
        if (target === undefined) continue;
        const drawn = edges.some(
          (edge) => edge.source === node.id && edge.target === (target[0] as AnyStateNode).id,
        );
        expect(drawn, `${node.id} → ${(target[0] as AnyStateNode).id}`).toBe(true);
      }
    }
  });

  test('has a path for every arrow, and no overlapping boxes', async () => {
    const layout = await layoutChart(chartOf(machine));
    expect(layout.edges.filter(({ points }) => points.length < 2)).toEqual([]);
    const leaves = layout.nodes.filter((node) => !node.isCompound);
    for (const [index, one] of leaves.entries()) {
      for (const other of leaves.slice(index + 1)) {
        const isApart =
          one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y;
        expect(isApart, `${one.id} and ${other.id}`).toBe(true);
      }
    }
  });
});

test('the drawn chart has no script, image or foreign object, and no style attribute', async () => {
  const svg = await drawChart('job');
  expect(svg).toMatch(/<svg[^>]*>.*<text/s);
  expect(svg).not.toMatch(/<(script|foreignObject|image)/);
  expect(svg).not.toContain(' style=');
});

test('the chart has the ids of the states of a snapshot', () => {
  const ids = getStateNodes(jobMachine.root, { tools: 'run' }).map(({ id }) => id);
  const drawn = idsOf(chartOf(jobMachine).nodes);
  expect(ids.filter((id) => id !== 'job').every((id) => drawn.includes(id))).toBe(true);
});
