/** `gatehouse draw`: the charts of all machines as SVG files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartsFolder, drawChart, drawnMachines } from '../inspector/charts.ts';

/** Into docs/charts, or into `folder`. */
export async function draw(folder: string = chartsFolder): Promise<number> {
  mkdirSync(folder, { recursive: true });
  for (const name of Object.keys(drawnMachines)) {
    const file = join(folder, `${name}.svg`);
    writeFileSync(file, await drawChart(name));
    console.log(file);
  }
  return 0;
}
