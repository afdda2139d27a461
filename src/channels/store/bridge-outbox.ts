/** The bridge's outbox on disk: replies on their way to the chat, and the results of their delivery. */
import type {
  BridgeCounts,
  BridgeStorage,
  NewOutboxRow,
  OutboxEntry,
} from '../bridge-storage-port.ts';
import type { SqliteConnection } from '#storage/database';

type OutboxTableRow = Omit<OutboxEntry, 'buttons' | 'delivery'> & {
  buttons: string | null;
  state: OutboxEntry['delivery']['state'];
  context: string;
};

const columns = `id, reply_id as replyId, job_id as jobId, user_id as userId, target, lane, chat_user as chatUser, n, kind,
  text, buttons, state, context, place as replyToInboxId, due_at as dueAt, created_at as createdAt, ended_at as endedAt`;

/** Final states that a reply can reach without being sent. */
const ended: readonly OutboxEntry['delivery']['state'][] = ['dropped', 'dead'];

/**
 * The inbox row that a reply answers: the first message of its job that no earlier reply has answered. A message about
 * a draft that was shown counts like the question itself. A message that ends a running job gets the question's reply,
 * at the question's position. A reply that cannot be attributed may answer any message, and comes last.
 */
const replyToInboxIdSql = `coalesce(outbox.place,
  (select min(asked.id) from inbox as asked
   where asked.job_id = outbox.job_id and asked.after_seq < outbox.n and not exists (
     select 1 from outbox as told where told.job_id = asked.job_id and told.kind <> 'notice'
       and told.n > asked.after_seq and told.n < outbox.n)),
  (select max(asked.id) from inbox as asked where asked.job_id = outbox.job_id), 9e15)`;

/**
 * Rows per lane that are compared: no broker reorders a user's replies further. More makes each query of a long queue
 * slower.
 */
const headsOf = 64;

/** One index step per lane, then only its oldest rows: sorting all of 5,000 took 80 ms for each post. */
const headsSql = `with recursive lanes (lane) as (
    select min(lane) from outbox where ended_at is null
    union all
    select (select min(lane) from outbox where ended_at is null and lane > lanes.lane)
      from lanes where lane is not null)
  select ${columns} from outbox where id in (
    select (select outbox.id from outbox where outbox.id in (
        select id from outbox as line where line.lane = lanes.lane and line.ended_at is null
        order by id limit ${headsOf})
      order by json_extract(context, '$.offset') = 0, ${replyToInboxIdSql}, outbox.id limit 1)
    from lanes where lane is not null)
  order by id`;

const postedNoticeSql = `select json_extract(context, '$.postId') as postId from outbox
  where job_id = ? and lane = ? and kind = 'notice' and state = 'sent' order by id desc limit 1`;

function prepare(connection: SqliteConnection) {
  return {
    insert: connection.prepare(
      `insert into outbox (reply_id, job_id, user_id, target, lane, chat_user, n, kind, text, buttons,
         state, context, due_at, created_at, ended_at, place)
       values (@replyId, @jobId, @userId, @target, @lane, @chatUser, @n, @kind, @text, @buttons,
         @state, @context, @dueAt, @at, @endedAt, @replyToInboxId) on conflict (reply_id) do nothing`,
    ),
    heads: connection.prepare<[], OutboxTableRow>(headsSql),
    behind: connection.prepare<[number]>(
      `select 1 from outbox join inbox on inbox.lane = outbox.lane
       where outbox.id = ? and inbox.settled_at is null and inbox.kind = 'message'
         and inbox.id < ${replyToInboxIdSql} limit 1`,
    ),
    save: connection.prepare(
      `update outbox set state = ?, context = ?, due_at = coalesce(?, due_at), ended_at = ?,
         text = case when ? is null then text else '' end where id = ?`,
    ),
    openNotices: connection.prepare<[string], OutboxTableRow>(
      `select ${columns} from outbox where job_id = ? and kind = 'notice' and ended_at is null`,
    ),
    addText: connection.prepare('update outbox set text = ?, context = ? where id = ?'),
    hasNotice: connection.prepare<[string, string]>(
      `select 1 from outbox where job_id = ? and kind = 'notice' and state <> 'dropped'
       union all
       select 1 from inbox join outbox on outbox.reply_id = 'own:wait-' || inbox.id || ':1'
       where inbox.job_id = ? and outbox.state <> 'dropped' limit 1`,
    ),
    answeredKey: connection.prepare<[number], { key: string }>(
      `select key from inbox where id = (select ${replyToInboxIdSql} from outbox where outbox.id = ?)`,
    ),
    takeButtons: connection.prepare<
      [string, number],
      { target: string; chatUser: string; context: string }
    >(
      `update outbox set buttons = null
       where job_id = ? and buttons is not null and ended_at is not null and id <> ?
       returning target, chat_user as chatUser, context`,
    ),
    postedNotice: connection.prepare<[string, string], { postId: string | null }>(postedNoticeSql),
    hasReply: connection.prepare('select 1 from outbox where reply_id = ?'),
    hasAnswer: connection.prepare(
      `select 1 from outbox where job_id = ? and n > ? and kind <> 'notice' limit 1`,
    ),
    draft: connection.prepare<[string], { userId: string; lane: string; n: number }>(
      `select user_id as userId, lane, n from outbox where job_id = ? and kind = 'draft' order by n desc limit 1`,
    ),
    inDoubt: connection.prepare<[], OutboxTableRow>(
      `select ${columns} from outbox where ended_at is null and state = 'sending' order by id`,
    ),
    openReplies: connection.prepare<[], OutboxTableRow>(
      `select ${columns} from outbox where ended_at is null order by id`,
    ),
    moveReply: connection.prepare('update outbox set target = ?, lane = ? where id = ?'),
    unreported: connection.prepare<[number], OutboxTableRow>(
      `select ${columns} from outbox where ended_at is not null and reported_at is null order by id limit ?`,
    ),
    reported: connection.prepare('update outbox set reported_at = ? where id = ?'),
    limit: connection.prepare<[string, number], { chars: number }>(
      'select chars from post_limit where nas = ? and at >= ?',
    ),
    learn: connection.prepare(
      'insert or replace into post_limit (nas, chars, at) values (?, ?, ?)',
    ),
    ...prepareCounts(connection),
  };
}

function prepareCounts(connection: SqliteConnection) {
  return {
    openCounts: connection.prepare<[], Pick<BridgeCounts, 'inbox' | 'outbox'>>(
      `select
         (select count(*) from inbox where settled_at is null) as inbox,
         (select count(*) from outbox where ended_at is null) as outbox`,
    ),
    counts: connection.prepare<[], BridgeCounts>(
      `select
         (select count(*) from inbox where settled_at is null) as inbox,
         (select count(*) from outbox where ended_at is null) as outbox,
         (select count(*) from outbox where ended_at is not null and state = 'sent') as sent,
         (select count(*) from outbox where ended_at is not null and state = 'uncertain') as uncertain,
         (select count(*) from outbox where ended_at is not null and state = 'dead') as dead,
         (select count(*) from outbox where ended_at is not null and reported_at is null) as unreported,
         (select max(ended_at) from outbox where ended_at is not null and state = 'sent') as lastSentAt`,
    ),
  };
}

export function createBridgeOutbox(connection: SqliteConnection) {
  const statements = prepare(connection);
  const insert = connection.transaction((rows: readonly NewOutboxRow[], at: number) =>
    rows.map(({ buttons, delivery: { state, context }, ...row }) => {
      const { changes } = statements.insert.run({
        ...row,
        buttons: buttons === null ? null : JSON.stringify(buttons),
        state,
        context: JSON.stringify(context),
        at,
        endedAt: ended.includes(state) ? at : null,
      });
      return changes === 1;
    }),
  );
  return {
    insertOutbox: (rows, at) => insert.immediate(rows, at),
    nextPerLane: () => statements.heads.all().map(entryOf),
    hasEarlierUnanswered: ({ id }) => statements.behind.get(id) !== undefined,
    saveDelivery(id, { state, context }, { dueAt, endedAt }) {
      const end = endedAt ?? null;
      statements.save.run(state, JSON.stringify(context), dueAt ?? null, end, end, id);
    },
    openNotices: (jobId) => statements.openNotices.all(jobId).map(entryOf),
    appendText: (id, text, { context }) =>
      void statements.addText.run(text, JSON.stringify(context), id),
    hasNotice: (jobId) => statements.hasNotice.get(jobId, jobId) !== undefined,
    postedNotice: (jobId, lane) => statements.postedNotice.get(jobId, lane)?.postId ?? null,
    answeredKey: ({ id }) => statements.answeredKey.get(id)?.key ?? null,
    takeButtonPosts: (jobId, exceptId) =>
      statements.takeButtons.all(jobId, exceptId ?? 0).flatMap(({ context, ...post }) => {
        const { postId } = JSON.parse(context) as OutboxEntry['delivery']['context'];
        return postId === null ? [] : [{ ...post, postId }];
      }),
    hasReply: (replyId) => statements.hasReply.get(replyId) !== undefined,
    hasAnswer: (jobId, n) => statements.hasAnswer.get(jobId, n) !== undefined,
    draftOf: (jobId) => statements.draft.get(jobId) ?? null,
    interruptedDeliveries: () => statements.inDoubt.all().map(entryOf),
    openReplies: () => statements.openReplies.all().map(entryOf),
    retargetReply: (id, target, lane) => void statements.moveReply.run(target, lane, id),
    unreported: (limit) => statements.unreported.all(limit).map(entryOf),
    markReported: (id, at) => void statements.reported.run(at, id),
    charLimitOf: (server, since) => statements.limit.get(server, since)?.chars ?? null,
    saveCharLimit: (server, limit, at) => void statements.learn.run(server, limit, at),
    counts: () => statements.counts.get()!,
    openCounts: () => statements.openCounts.get()!,
  } satisfies Partial<BridgeStorage>;
}

const entryOf = ({ buttons, state, context, ...row }: OutboxTableRow): OutboxEntry => ({
  ...row,
  buttons: buttons === null ? null : (JSON.parse(buttons) as OutboxEntry['buttons']),
  delivery: { state, context: JSON.parse(context) as OutboxEntry['delivery']['context'] },
});
