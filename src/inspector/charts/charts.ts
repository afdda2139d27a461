/**
 * The charts of all machines, drawn once per definition. `docs/charts/` is the cache: a file that `gatehouse draw`
 * wrote there is used if its hash matches the machine; else the chart is laid out again.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { draftMachine } from '#machines/draft';
import { askMachine } from '#machines/ask';
import { gateMachine } from '#machines/gate';
import { deliveryMachine } from '#machines/delivery';
import { jobMachine } from '#machines/job';
import { scheduleMachine } from '#machines/schedule';
import { layoutChart } from './chart-layout.ts';
import { chartOf } from './chart-model.ts';
import { chartSvg } from './chart-svg.ts';

/** Keys are file names in machines/. */
export const drawnMachines: Readonly<Record<string, { machine: AnyStateMachine; title: string }>> =
  {
    job: { machine: jobMachine, title: 'The job machine' },
    gate: { machine: gateMachine, title: 'The gate machine' },
    delivery: { machine: deliveryMachine, title: 'The delivery of a reply' },
    ask: { machine: askMachine, title: 'The ask machine' },
    draft: { machine: draftMachine, title: 'The draft machine' },
    schedule: { machine: scheduleMachine, title: 'The schedule machine' },
  };

export const chartsFolder = join(import.meta.dirname, '..', '..', '..', 'docs', 'charts');
const styleFile = join(import.meta.dirname, '..', 'page', 'chart.css');

/** Increase it when the drawing changes for an unchanged machine. */
const drawingVersion = 2;

/** The complete SVG file with its style, for viewing on its own. */
export async function drawChart(name: string): Promise<string> {
  const { machine, title } = drawnMachines[name]!;
  const model = chartOf(machine);
  const style = await readFile(styleFile, 'utf8');
  const hash = hashOf([drawingVersion, style, model]);
  const stored = await readFile(join(chartsFolder, `${name}.svg`), 'utf8').catch(() => '');
  if (stored.includes(`data-hash="${hash}"`)) return stored;
  return chartSvg(await layoutChart(model), title, hash, style);
}

/** For the page, which has the style itself. */
export const withoutStyle = (svg: string): string => svg.replace(/<style>[^]*?<\/style>\n?/, '');

const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
