/** `gatehouse route`: what the rules decide about one message, or about every line of standard input. */
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { DecisionView } from '../../machines/decision.ts';
import { homeWordsOf } from '../core/home-words.ts';
import { loadConfig } from '../config/load-config.ts';
import { describeRoute, route } from '../routing/route.ts';
import { UsageError } from './core-client.ts';

export interface RouteCommand {
  words: readonly string[];
  /** ISO 8601; the machine's clock where it is left out, read anew for each message. */
  now: string | undefined;
  pending: boolean;
  config: string | undefined;
}

/**
 * What is kept of one line, in UTF-16 units. The rules leave every message over 600 to the classifier, so a line
 * cut here is decided as the whole line would be, and a line without an end takes no more memory than this.
 */
const lineCharsMax = 64 * 1024;

/** A line of white space says nothing: the rules leave it alone, and the object says why. */
interface LineView extends DecisionView {
  blank?: true;
}

/** Prints one JSON object for the message; for `-`, one for each line of standard input, as it comes. */
export async function routeCommand(command: RouteCommand): Promise<number> {
  const { words, pending } = command;
  const given = command.now === undefined ? undefined : Date.parse(command.now);
  if (Number.isNaN(given)) throw new UsageError(`--now: ${command.now} is not an ISO 8601 time`);
  const { config } = loadConfig(command.config);
  const judge = (message: string): DecisionView =>
    describeRoute(
      route(message, {
        ...homeWordsOf(config),
        now: given ?? Date.now(),
        timeZone: config.timezone,
        pendingDraft: pending,
      }),
    );

  if (words.length > 1 || words[0] !== '-') {
    await print(judge(words.join(' ')));
    return 0;
  }
  for await (const line of linesOf(process.stdin)) {
    const view: LineView = judge(line);
    await print(line.trim() === '' ? { ...view, blank: true } : view);
  }
  return 0;
}

/** Waits while the reader of standard output is slower than the rules. */
async function print(view: LineView): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(view)}\n`)) await once(process.stdout, 'drain');
}

/**
 * Lines as they come, without LF or CRLF and without the mark in front of UTF-8 text. Bytes that are no UTF-8
 * become U+FFFD. What follows the last line end is a line if there is any of it.
 */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const keep = (line: string, more: string): string =>
    line.length >= lineCharsMax ? line : (line + more).slice(0, lineCharsMax);
  const ended = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);
  let rest = '';
  for await (const bytes of input as AsyncIterable<Buffer>) {
    const [more = '', ...lines] = decoder.decode(bytes, { stream: true }).split('\n');
    rest = keep(rest, more);
    for (const line of lines) {
      yield ended(rest);
      rest = keep('', line);
    }
  }
  rest = keep(rest, decoder.decode());
  if (rest !== '') yield ended(rest);
}
