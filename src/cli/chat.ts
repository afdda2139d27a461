/** `gatehouse chat`: sends one message, or holds a conversation, with a running core. */
import { WriteStream } from 'node:tty';
import type { SubmitReceipt } from '#shared/wire/job-service';
import { parseConsent } from '#language/rules/consent';
import { historyPath, openHistory } from './chat-history.ts';
import { chatTexts, localeAfter, machineLocale } from './chat-texts.ts';
import { ChatSession } from './chat-session.ts';
import { CommandError, RefusedError, UsageError, type CoreClient } from '#http/client/core-client';
import { followJob, type Followed } from './followed-job.ts';
import { LineEditor } from './line-editor.ts';
import { fetchWaitingDrafts } from './shown-drafts.ts';
import { isPiped, readPipedText } from './terminal.ts';

export interface ChatOptions {
  client: CoreClient;
  message: string | undefined;
  /** Default: the user of the key, else `local`. */
  userId: string | undefined;
  json: boolean;
}

export async function chat(options: ChatOptions): Promise<number> {
  const { stdin } = process;
  const piped = !stdin.isTTY && isPiped() ? await readPipedText() : '';
  const text = [options.message ?? '', piped].filter((part) => part.trim() !== '').join('\n\n');
  const output = [process.stderr, process.stdout].find((stream) => stream.isTTY);
  if (!stdin.isTTY || !(output instanceof WriteStream)) {
    if (text === '') throw new UsageError(usageHint);
    return sendOnce(options, text, options.message ?? '', piped);
  }
  const first = text === '' ? null : { text, sent: await send(options, { message: text }) };
  if (first !== null && first.sent.draft === null) return exitCode(first.sent);
  const { client, userId, json } = options;
  const history = openHistory(historyPath());
  const conversation = new ChatSession({ client, userId, json, history });
  const editor = new LineEditor({
    input: stdin,
    output,
    history,
    onInterrupt: () => conversation.interrupt(),
    onLineWhileBusy: (line) => conversation.handleLineWhileBusy(line),
  });
  try {
    return await conversation.run(editor, first);
  } finally {
    editor.close();
  }
}

const usageHint = 'say something: gatehouse chat "message", or run it in a terminal';

/** One message without a terminal, so without prompts. Exit code 1 if the job failed. */
async function sendOnce(
  options: ChatOptions,
  text: string,
  message: string,
  piped: string,
): Promise<number> {
  const sent = await send(options, { message: text }).catch((error: unknown) => {
    const isLong = error instanceof RefusedError && error.code === 'GH_REQUEST_TOO_LONG';
    if (!isLong || piped === '' || message.trim() === '') throw error;
    // Piped text that is too long for a message is sent with it as an attached file.
    process.stderr.write('Standard input is longer than a message; it is sent as a document.\n');
    const attachment = { name: 'standard input.txt', text: piped };
    return send(options, { message, attachment });
  });
  if (sent.draft !== null) {
    const texts = chatTexts(localeAfter(text, machineLocale()));
    process.stderr.write(`${texts.answerLater}\n`);
  }
  return exitCode(sent);
}

const exitCode = ({ outcome }: Followed): number => (outcome === 'failed' ? 1 : 0);

/** Sends the message and follows its job. Ctrl-C cancels the job; a second Ctrl-C stops following it. */
async function send(
  { client, userId, json }: ChatOptions,
  body: { message: string; attachment?: { name: string; text: string } },
): Promise<Followed> {
  const { thread = null, ...draft } = await findWaitingDraft(client, userId, body.message);
  const accepted: SubmitReceipt = await client.submitMessage({
    ...body,
    ...draft,
    ...(thread === null ? {} : { thread }),
    user_id: userId,
    channel: 'terminal',
  });
  const texts = chatTexts(localeAfter(body.message, machineLocale()));
  const job = followJob(client, { ...accepted, thread }, json, texts);
  let isCancelling = false;
  const cancel = (): void => {
    if (isCancelling) job.leave();
    isCancelling = true;
    client.controlJob(accepted.job_id, 'cancel').catch(job.leave);
  };
  process.on('SIGINT', cancel);
  try {
    return await job.ended;
  } finally {
    process.off('SIGINT', cancel);
  }
}

/**
 * The draft that a confirmation without a terminal refers to: the only waiting draft. If several wait, it is unknown
 * which of them the user saw, and none is written.
 */
async function findWaitingDraft(
  client: CoreClient,
  userId: string | undefined,
  message: string,
): Promise<{ draft?: { job_id: string; draft_seq: number } | null; thread?: string | null }> {
  if (parseConsent(message) !== 'confirm') return {};
  const [draft, ...others] = await fetchWaitingDrafts(client, userId);
  if (draft === undefined) return { draft: null };
  const { jobId, seq, thread } = draft;
  if (others.length === 0) return { draft: { job_id: jobId, draft_seq: seq }, thread };
  const contents = [draft, ...others].map(({ jobId, content }) => `${jobId}\n${content}`);
  throw new CommandError(
    `${others.length + 1} drafts wait for an answer; answer one of them in: gatehouse chat\n${contents.join('\n')}`,
  );
}
