/** `gatehouse draw`: draws the charts of all machines as SVG files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawChart, drawnMachines } from '#inspector/charts/charts';

/** Into `folder`; default: the folder of the charts in a clone of Gatehouse. */
export async function draw(folder: string = join('docs', 'charts')): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const name of Object.keys(drawnMachines)) {
    const file = join(folder, `${name}.svg`);
    writeFileSync(file, await drawChart(name));
    console.log(file);
  }
}
