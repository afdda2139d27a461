/**
 * The component tree of calendar text. A component without END ends where the next component of its level begins,
 * or where its parent ends; an END without BEGIN is ignored.
 */
import { unfoldLines } from './content-lines.ts';

export interface ComponentNode {
  /** In lower case. */
  name: string;
  /** Unfolded lines of its own properties. */
  lines: string[];
  children: ComponentNode[];
}

/** Components that occur only directly inside a VCALENDAR. */
const topLevel = /^(?:vevent|vtodo|vjournal|vfreebusy|vtimezone|vavailability)$/;

/** The VCALENDARs of a text. @throws Error if there is none */
export function parseComponentTree(text: string): ComponentNode[] {
  const calendars: ComponentNode[] = [];
  let open: ComponentNode[] = [];
  const begin = (name: string): void => {
    if (name === 'vcalendar') open = [];
    else if (topLevel.test(name)) open = open.slice(0, 1);
    // Events without a surrounding VCALENDAR.
    if (open.length === 0 && topLevel.test(name)) begin('vcalendar');
    const node: ComponentNode = { name, lines: [], children: [] };
    if (name === 'vcalendar') calendars.push(node);
    else open.at(-1)?.children.push(node);
    open.push(node);
  };
  for (const line of unfoldLines(text)) {
    const border = /^(begin|end)\s*:\s*([\w-]+)\s*$/i.exec(line);
    const name = border?.[2]?.toLowerCase() ?? '';
    if (border === null) open.at(-1)?.lines.push(line);
    else if (border[1]?.toLowerCase() === 'begin') begin(name);
    else {
      const at = open.findLastIndex((node) => node.name === name);
      if (at >= 0) open = open.slice(0, at);
    }
  }
  if (calendars.length === 0)
    throw new Error('not a calendar: it has no BEGIN:VCALENDAR and no event');
  return calendars;
}
