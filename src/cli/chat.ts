/** `gatehouse chat`: one message, or a conversation, with a running core. */
import { createInterface, type Interface } from 'node:readline/promises';
import { createChatView } from './chat-view.ts';
import { UsageError, type CoreClient } from './core-client.ts';
import { muteTerminal, ttyOf } from './terminal.ts';

export interface ChatOptions {
  client: CoreClient;
  message: string | undefined;
  /** Left out: the user of the key, else `local`. */
  userId: string | undefined;
  json: boolean;
}

export async function chat(options: ChatOptions): Promise<number> {
  const isInteractive = options.message === undefined;
  if (isInteractive && !process.stdin.isTTY) {
    throw new UsageError('say something: gatehouse chat "message", or run it in a terminal');
  }
  const lines = createInterface({
    input: process.stdin,
    output: process.stderr,
    terminal: process.stdin.isTTY,
  });
  try {
    if (options.message !== undefined) return await converse(options, options.message, lines);
    process.stderr.write('Type a message; Ctrl-C cancels it, Ctrl-D leaves.\n');
    for (;;) {
      const line = await ask(lines, 'you> ');
      if (line === null) return 0;
      if (line.trim() !== '') await converse(options, line, lines);
    }
  } finally {
    lines.close();
  }
}

/** One message up to its end, with the questions back that it needs. Exit code 0 unless it failed. */
async function converse(options: ChatOptions, message: string, lines: Interface): Promise<number> {
  let text = message;
  for (;;) {
    const { outcome, isAsking } = await send(options, text, lines);
    if (!isAsking) return outcome === 'failed' ? 1 : 0;
    if (!process.stdin.isTTY) {
      process.stderr.write(
        'The draft waits for your answer: send yes or no with another gatehouse chat.\n',
      );
      return 0;
    }
    const answer = await ask(lines, 'yes/no> ');
    if (answer === null) return 0;
    text = answer;
  }
}

async function send(
  { client, userId, json }: ChatOptions,
  text: string,
  lines: Interface,
): Promise<{ outcome: string | null; isAsking: boolean }> {
  const startedAt = Date.now();
  const accepted = await client.say({ message: text, user_id: userId, channel: 'terminal' });
  const { job_id: jobId, after_seq: afterSeq } = accepted;
  const view = createChatView(json ? muteTerminal : ttyOf(process.stdout), startedAt);
  const following = new AbortController();
  let isCancelling = false;
  const cancel = (): void => {
    if (isCancelling) following.abort();
    isCancelling = true;
    client.tell(jobId, 'cancel').catch(() => following.abort());
  };
  lines.on('SIGINT', cancel);
  process.on('SIGINT', cancel);
  try {
    await client.follow(
      jobId,
      {
        lost: () => view.lost(),
        token(chunk) {
          if (json) print({ type: 'token', ...chunk });
          view.token(chunk);
        },
        event(event) {
          if (json) print(event);
          view.event(event);
          // The job waits for the person now: what follows needs their word, not our patience.
          if (event.type === 'result' && event.data['final'] === false) following.abort();
        },
      },
      following.signal,
      afterSeq,
    );
  } finally {
    lines.off('SIGINT', cancel);
    process.off('SIGINT', cancel);
  }
  return { outcome: view.outcome, isAsking: view.isAsking };
}

const print = (value: unknown): void => console.log(JSON.stringify(value));

/** Null at the end of input. */
async function ask(lines: Interface, prompt: string): Promise<string | null> {
  const closed = new Promise<null>((resolve) => lines.once('close', () => resolve(null)));
  return Promise.race([lines.question(prompt), closed]);
}
