/** `gatehouse route`: prints the decision of the rules for one message, or for every line of standard input. */
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { DecisionView } from '#machines/decision';
import { configuredNames } from '#app/configured-names';
import { toolSettingsOf } from '#app/config/tool-settings';
import { loadConfig } from '#app/config/load-config';
import { describeRoute, route } from '#language/rules/route';
import { configureTools } from '#tools/tool-declaration';
import { toolList } from '#tools/tool-list';
import { UsageError } from '#http/client/core-client';

export interface RouteCommand {
  words: readonly string[];
  /** ISO 8601; default: the machine's clock, read again for each message. */
  now: string | undefined;
  pending: boolean;
  config: string | undefined;
}

/**
 * Maximum of one line, in UTF-16 units. The rules leave every message over 600 to the classifier, so a line cut here
 * gets the same decision as the whole line, and a line without an end takes no more memory than this.
 */
const lineCharsMax = 64 * 1024;

/** The rules make no decision for a line of white space; the object says that it was blank. */
interface LineView extends DecisionView {
  blank?: true;
}

/** Prints one JSON object for the message; for `-`, one for each line of standard input, as it arrives. */
export async function routeCommand(command: RouteCommand): Promise<void> {
  const { words, pending } = command;
  const given = command.now === undefined ? undefined : Date.parse(command.now);
  if (Number.isNaN(given)) throw new UsageError(`--now: ${command.now} is not an ISO 8601 time`);
  const { config } = loadConfig(command.config);
  const { notConfigured } = configureTools(toolList, toolSettingsOf(config));
  const judge = (message: string): DecisionView =>
    describeRoute(
      route(message, {
        ...configuredNames(config),
        isConfigured: (tool) => !notConfigured.has(tool),
        schedules: config.schedules.chat,
        memory: config.memory.chat,
        now: given ?? Date.now(),
        timeZone: config.timezone,
        pendingDraft: pending,
      }),
    );

  if (words.length > 1 || words[0] !== '-') {
    return print(judge(words.join(' ')));
  }
  for await (const line of linesOf(process.stdin)) {
    const view: LineView = judge(line);
    await print(line.trim() === '' ? { ...view, blank: true } : view);
  }
}

/** Backpressure: waits while the reader of standard output is slower than the rules. */
async function print(view: LineView): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(view)}\n`)) await once(process.stdout, 'drain');
}

/**
 * Lines as they arrive, without LF or CRLF and without a UTF-8 byte order mark. Invalid UTF-8 becomes U+FFFD. Text
 * after the last line end is a line, unless it is empty.
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
