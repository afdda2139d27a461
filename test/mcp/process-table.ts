/** Processes of this machine, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessRow {
  pid: number;
  parent: number;
  group: number;
  /** `Z`: it has ended, and its parent has not collected it yet. */
  state: string;
  command: string;
}

export const processes = (): ProcessRow[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state = '', parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return { pid: Number(name), parent: Number(parent), group: Number(group), state, command };
      } catch {
        return [];
      }
    })
    .filter(({ state }) => state !== 'Z');

/** Living processes whose command line has this text: the path of a test's own folder. */
export const processesWith = (text: string): ProcessRow[] =>
  processes().filter(({ command }) => command.includes(text));
