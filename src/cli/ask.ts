/** `gatehouse ask "question"`: streams an answer from the documents, with its sources. Ctrl-C cancels it. */
import { type Terminal, untilInterrupted } from './terminal.ts';
import {
  CommandError,
  UsageError,
  type CoreClient,
  type StreamedEvent,
} from '#http/client/core-client';
import { muteTerminal, ttyOf } from './terminal.ts';

export interface AskCommand {
  client: CoreClient;
  query: string;
  /** With the ask loop: the model searches by itself. */
  isReact: boolean;
  /** Null: the backend of the role. */
  backend: string | null;
  /** Default: the user of the key, else `local`. */
  userId: string | undefined;
  json: boolean;
}

interface Answer {
  answer: string;
  sources: { id: string; title: string }[];
  partial?: boolean;
  truncated?: boolean;
}

export async function ask(command: AskCommand): Promise<void> {
  const { client, query, isReact, backend, userId, json } = command;
  if (query.trim() === '') throw new UsageError('ask takes a question: gatehouse ask "…"');
  const view = createView(json ? muteTerminal : ttyOf(process.stdout));
  const body = { query, user_id: userId, ...(backend === null ? {} : { backend }) };
  const answer = await untilInterrupted(async (signal) => {
    try {
      return await lastOf(client.answer(isReact ? '/ask/react' : '/ask', body, signal), view);
    } catch (error) {
      if (!signal.aborted) throw error;
      view.end();
      throw new CommandError('cancelled', { cause: error });
    }
  });
  if (answer === null) throw new CommandError('the core went away; ask again');
  if (json) console.log(JSON.stringify(answer));
  else view.answer(answer);
}

/** Shows the events. Null: the stream was cut. @throws CommandError for an error event */
async function lastOf(events: AsyncIterable<StreamedEvent>, view: View): Promise<Answer | null> {
  let answer: Answer | null = null;
  for await (const event of events) {
    const { type, data } = event;
    if (type === 'error') {
      throw new CommandError(`${String(data['detail'])} (${String(data['code'])})`);
    }
    if (type === 'result' || type === 'done') answer = data as never;
    else view.event(event);
  }
  return answer;
}

/** On a terminal streams the searches, the queue position and the answer; else prints the whole answer at the end. */
function createView(terminal: Terminal) {
  const { out, err, isLive } = terminal;
  let isShown = false;
  const note = (text: string): void => void (isLive && err(`${text}\n`));
  const end = (): void => {
    if (isShown) out('\n');
    isShown = false;
  };
  return {
    event({ type, data }: StreamedEvent): void {
      if (type === 'token' && isLive) {
        if (data['replaces'] === true) end();
        out(String(data['content']));
        isShown = true;
      } else if (type === 'replace') {
        end();
      } else if (type === 'round') {
        const calls = data['calls'] as { name: string; arguments: string }[];
        for (const call of calls) note(`· ${call.name} ${call.arguments}`);
      } else if (type === 'queue' || type === 'processing') {
        const { ahead } = data['queue'] as { ahead: number };
        note(`· ${ahead} ahead`);
      }
    },
    answer({ answer, sources, partial, truncated }: Answer): void {
      // The streamed text is the answer. Without streamed text the result is printed: it may be a fixed text of ours.
      if (isShown) end();
      else out(`${answer}\n`);
      if (partial === true || truncated === true) err('(the answer is not complete)\n');
      sources.forEach(({ id, title }, index) => err(`[${index + 1}] ${title}  ${id}\n`));
    },
    end,
  };
}
type View = ReturnType<typeof createView>;
