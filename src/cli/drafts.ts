/**
 * `gatehouse drafts`: lists drafts to decide on, waiting, running and given up; `show`, `retry`, `accept`, `reject`,
 * `pause`, `resume`, `watch`.
 */
import { abortableSleep } from '#shared/abortable-sleep';
import type { DocumentEvent } from '#shared/wire/document-event';
import type {
  DraftDetail,
  DraftOverview,
  DraftView,
  RunningView,
} from '#shared/wire/document-views';
import { UsageError, type CoreClient, ofUser } from '#http/client/core-client';
import { documentOf } from './documents.ts';
import { untilInterrupted } from './terminal.ts';
import { localTime } from './printed-list.ts';

interface DraftOptions {
  /** Only this user's drafts. */
  userId: string | undefined;
  json: boolean;
}

/** Often enough to appear live, seldom enough to cost nothing. */
const watchEveryMs = 500;

export async function drafts(
  client: CoreClient,
  words: readonly string[],
  options: DraftOptions,
): Promise<void> {
  const [verb, id, ...rest] = words;
  const say = (line: string, value: unknown): void =>
    console.log(options.json ? JSON.stringify(value) : line);
  if (rest.length > 0) throw new UsageError(draftUsage);
  if (verb === undefined) return list(client, options);
  if (id === undefined) {
    switch (verb) {
      case 'pause':
      case 'resume':
        await client.request('POST', `/drafts/${verb}`, {});
        return say(verb === 'pause' ? 'paused' : 'goes on', { paused: verb === 'pause' });
      case 'watch':
        return watch(client, options);
    }
  } else {
    switch (verb) {
      case 'show':
        return show(client, id, options);
      case 'retry':
        await client.request(
          'POST',
          `/drafts/${encodeURIComponent(id)}/retry`,
          ofUser(options.userId),
        );
        return say(`${id} is drafted next`, { document_id: id });
      case 'accept':
      case 'reject':
        await client.request(
          'POST',
          `/documents/${encodeURIComponent(id)}/draft/${verb}`,
          ofUser(options.userId),
        );
        return say(`${verb}ed ${id}`, { document_id: id });
    }
  }
  throw new UsageError(draftUsage);
}

const draftUsage =
  'drafts takes: nothing, show ID, retry ID, accept ID, reject ID, pause, resume, or watch';

/** Without a user: the documents of `local`, and the drafts of all users. */
const queryOf = ({ userId }: DraftOptions): string =>
  new URLSearchParams(ofUser(userId)).toString();

const overviewOf = (client: CoreClient, options: DraftOptions): Promise<DraftOverview> =>
  client.request('GET', `/drafts?${queryOf(options)}`);

async function list(client: CoreClient, options: DraftOptions): Promise<void> {
  const overview = await overviewOf(client, options);
  if (options.json) return console.log(JSON.stringify(overview));
  console.log(stateLine(overview));
  const { running, waiting, dead, drafted } = overview;
  if (running !== null) console.log(runningLine(running));
  for (const draft of [...waiting, ...dead]) console.log(draftLine(draft));
  for (const { document_id, at, title } of drafted) {
    console.log(`${document_id}  yours     drafted ${localTime(at)}  ${title}`);
  }
  if (running === null && waiting.length + dead.length + drafted.length === 0) {
    console.log('no drafts');
  }
  if (drafted.length > 0) {
    console.log(
      `${drafted.length} wait for your decision: drafts show ID, then drafts accept ID or drafts reject ID`,
    );
  }
}

async function show(client: CoreClient, documentId: string, options: DraftOptions): Promise<void> {
  const path = `/drafts/${encodeURIComponent(documentId)}?${queryOf(options)}`;
  const detail = await client.request<DraftDetail>('GET', path);
  const document = await documentOf(client, documentId, detail.user_id);
  const { extracted_text, md_content } = document;
  if (options.json) return console.log(JSON.stringify({ ...detail, extracted_text, md_content }));
  console.log(`${detail.document_id}  ${detail.state}  user ${detail.user_id}  ${detail.title}`);
  for (const event of detail.events) {
    console.log(
      `${localTime(event.at)}  ${String(event.seq).padStart(3)}  ${event.type.padEnd(10)} ${documentSummary(event)}`,
    );
  }
  if (detail.running !== null) console.log(runningLine(detail.running));
  else if (detail.due_at) {
    console.log(`due ${localTime(detail.due_at)}, attempts so far: ${detail.attempts}`);
  }
  console.log(`\n--- memo\n${extracted_text}`);
  if (md_content !== null) console.log(`\n--- draft\n${md_content}`);
  if (detail.state === 'draft') {
    console.log(`\nwaits for you: drafts accept ${documentId}, or drafts reject ${documentId}`);
  }
}

/** Prints a line after each change, until Ctrl-C. */
const watch = (client: CoreClient, options: DraftOptions): Promise<void> =>
  untilInterrupted(async (signal) => {
    let last = '';
    while (!signal.aborted) {
      const overview = await overviewOf(client, options);
      const { running, waiting, dead } = overview;
      const counts = `${waiting.length} waiting, ${dead.length} dead`;
      const now = running === null ? stateLine(overview) : runningLine(running);
      const line = options.json ? JSON.stringify(overview) : `${now}  (${counts})`;
      if (line !== last) console.log(line);
      last = line;
      await abortableSleep(watchEveryMs, signal);
    }
  });

function stateLine({ state, paused_at, window }: DraftOverview): string {
  if (paused_at !== null) return `paused since ${localTime(paused_at)}`;
  if (!window.open) {
    const begins = window.opens_at === null ? '' : `; begins ${localTime(window.opens_at)}`;
    return `outside the hours ${window.hours}${begins}`;
  }
  return state === 'away' ? 'the model server cannot be reached; it is tried again' : state;
}

function runningLine(running: RunningView): string {
  const { chars, memo_chars, section, sections } = running.progress;
  const part = sections > 1 ? `, section ${section} of ${sections}` : '';
  const what = running.waits_at_gate
    ? 'waits for the model'
    : `${chars} characters written of a memo of ${memo_chars}${part}`;
  return `${running.document_id}  drafting  attempt ${running.attempt}  ${what}  ${running.title}`;
}

function draftLine(draft: DraftView): string {
  const { document_id, state, attempts, due_at, last_error, title } = draft;
  const due = due_at === null ? '' : `due ${localTime(due_at)}  `;
  const why = last_error === null ? '' : `  [${last_error.code}: ${last_error.message}]`;
  return `${document_id}  ${state.padEnd(8)}  ${due}attempts ${attempts}  ${title}${why}`;
}

/** One line about an event of a document. */
export function documentSummary({ data }: DocumentEvent): string {
  return Object.entries(data)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 120);
}
