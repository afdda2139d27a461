/** The bridge's inbox on disk: messages and clicks from the chat, until they are answered. */
import type { BridgeStorage, InboxRow, NewInboxRow } from '../bridge-storage-port.ts';
import type { SqliteConnection } from '#storage/database';

type JsonColumn = 'click' | 'file' | 'attachment';
type InboxTableRow = Omit<InboxRow, JsonColumn> & Record<JsonColumn, string | null>;

const columns = `id, key, kind, target, lane, chat_user as chatUser, user_id as userId, text, click, file, attachment,
  state, job_id as jobId, after_seq as afterSeq, received_at as receivedAt`;

/** Final states. */
const settled: readonly InboxRow['state'][] = ['answered', 'apologised', 'done'];

function prepare(connection: SqliteConnection) {
  const open = `from inbox where settled_at is null and state in ('stored', 'submitted')`;
  return {
    insert: connection.prepare(
      `insert into inbox (key, kind, target, lane, chat_user, user_id, text, click, file, attachment,
       state, received_at)
     values (@key, @kind, @target, @lane, @chatUser, @userId, @text, @click, @file, @attachment, 'stored', @at)
     on conflict (key) do nothing`,
    ),
    known: connection.prepare<[string], Pick<InboxRow, 'text' | 'receivedAt'>>(
      'select text, received_at as receivedAt from inbox where key = ?',
    ),
    unsent: connection.prepare<[], InboxTableRow>(`select ${columns} ${open} order by id`),
    nextOf: connection.prepare<[string], InboxTableRow>(
      `select ${columns} ${open} and lane = ? order by id limit 50`,
    ),
    // A final state stays: the core's reply may close a row while its own submission still waits for the broker.
    move: connection.prepare(
      `update inbox set state = ?, job_id = coalesce(?, job_id), after_seq = coalesce(?, after_seq),
       settled_at = ? where id = ? and settled_at is null`,
    ),
    // The text of an answered message is not needed here any more: the core keeps the conversation.
    forget: connection.prepare(
      `update inbox set text = '', attachment = null where settled_at is not null and id = ?`,
    ),
    attach: connection.prepare(
      'update inbox set attachment = ?, text = ?, file = null where id = ?',
    ),
    tried: connection.prepare(
      `update inbox set file = json_set(file, '$.isTried', json('true')) where id = ?`,
    ),
    openByKey: connection.prepare<[string], InboxTableRow>(
      `select ${columns} from inbox where key = ? and settled_at is null`,
    ),
    settleJob: connection.prepare(
      `update inbox set state = 'answered', settled_at = ?, text = '', attachment = null
     where job_id = ? and settled_at is null and exists (
       select 1 from outbox where outbox.job_id = inbox.job_id
         and outbox.kind <> 'notice' and outbox.n > inbox.after_seq)`,
    ),
    unanswered: connection.prepare<[number], InboxTableRow>(
      `select ${columns} from inbox where settled_at is null and kind = 'message' and received_at < ?
     order by id limit 200`,
    ),
  };
}

export function createBridgeInbox(connection: SqliteConnection, now: () => number) {
  const statements = prepare(connection);
  const insert = connection.transaction((rows: readonly NewInboxRow[], at: number) =>
    rows.map((row) => statements.insert.run({ ...row, ...toColumns(row), at }).changes === 1),
  );

  return {
    insertInbox: (rows, at) => insert.immediate(rows, at),
    findInboxByKey: (key) => statements.known.get(key) ?? null,
    unsubmittedInbox: () => statements.unsent.all().map(rowOf),
    nextInboxOf: (lane) => statements.nextOf.all(lane).map(rowOf),
    setInboxState(id, state, job) {
      const isSettled = settled.includes(state);
      statements.move.run(
        state,
        job?.jobId ?? null,
        job?.afterSeq ?? null,
        isSettled ? now() : null,
        id,
      );
      if (isSettled) statements.forget.run(id);
    },
    markFileTried: (id) => void statements.tried.run(id),
    saveAttachment: (id, attachment, text) =>
      void statements.attach.run(toJson(attachment), text, id),
    findUnansweredByKey(key) {
      const row = statements.openByKey.get(key);
      return row === undefined ? null : rowOf(row);
    },
    markJobAnswered: (jobId) => void statements.settleJob.run(now(), jobId),
    unanswered: (before) => statements.unanswered.all(before).map(rowOf),
  } satisfies Partial<BridgeStorage>;
}

const toJson = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
const parseJson = <Value>(json: string | null): Value | null =>
  json === null ? null : (JSON.parse(json) as Value);

const toColumns = ({
  click,
  file,
  attachment,
}: NewInboxRow): Record<JsonColumn, string | null> => ({
  click: toJson(click),
  file: toJson(file),
  attachment: toJson(attachment),
});

const rowOf = ({ click, file, attachment, ...row }: InboxTableRow): InboxRow => ({
  ...row,
  click: parseJson(click),
  file: parseJson(file),
  attachment: parseJson(attachment),
});
