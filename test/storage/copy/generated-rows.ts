/** Rows of every table of an SQLite database, generated, with what databases are known to treat differently. */
import fc from 'fast-check';
import type { SqliteConnection } from '#storage/database';

/** Texts that PostgreSQL can store. */
const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', ' ', 'a\r\nb', "it's", '\\x00', '\\N', 'NULL', '{"a":1,"a":2}', '{a,b}', '"'),
  fc.constantFrom(
    '한글',
    '\u1112\u1161\u11ab',
    'é',
    'e\u0301',
    'İ',
    '👩‍👩‍👧',
    '\ufeff',
    '\u2028',
    '\u007f',
    'Z',
    'a',
    '_',
    '%',
  ),
);
const time = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom(1_796_212_800_123, 8.64e15, -1),
);
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const json = fc.json({ maxDepth: 2 }).filter((text) => !/\\u/.test(text));

export interface GeneratedRows {
  users: string[];
  /** `user`: index; `skip`: positions that are used up without a row. */
  jobs: {
    user: number;
    texts: string[];
    times: number[];
    ended: number | null;
    snapshot: string | null;
    rows: { skip: number; event: string; value: string; emitted: string; isRemoved: boolean }[];
  }[];
  documents: {
    user: number;
    texts: string[];
    metadata: Record<string, unknown>;
    deleted: number | null;
    vectors: number[];
    events: number;
  }[];
  keys: string[];
}

export const describeRows: fc.Arbitrary<GeneratedRows> = fc.record({
  users: fc.uniqueArray(texts, { minLength: 1, maxLength: 4 }),
  jobs: fc.array(
    fc.record({
      user: fc.nat(3),
      texts: fc.array(texts, { minLength: 4, maxLength: 4 }),
      times: fc.array(time, { minLength: 2, maxLength: 2 }),
      ended: optional(time),
      snapshot: optional(texts),
      rows: fc.array(
        fc.record({
          skip: fc.constantFrom(0, 0, 0, 1, 7, 1_000_000),
          event: fc.oneof(json, fc.constant('{"half')),
          value: fc.oneof(
            fc.constantFrom('"ack"', '{"confirm-draft":"revising"}', 'null', '{'),
            json,
          ),
          emitted: fc.constantFrom('[]', '[{"type":"processing","state":"ack","data":{}}]', '['),
          isRemoved: fc.boolean(),
        }),
        { maxLength: 4 },
      ),
    }),
    { maxLength: 6 },
  ),
  documents: fc.array(
    fc.record({
      user: fc.nat(3),
      texts: fc.array(texts, { minLength: 3, maxLength: 3 }),
      metadata: fc.record(
        {
          needs_draft: fc.constantFrom(true, false, 1),
          path: texts,
          count: fc.double({ noNaN: true, noDefaultInfinity: true }),
        },
        { requiredKeys: [] },
      ),
      deleted: optional(time),
      vectors: fc.array(fc.float({ noNaN: true }), { maxLength: 8 }),
      events: fc.nat(2),
    }),
    { maxLength: 5 },
  ),
  keys: fc.uniqueArray(texts, { maxLength: 5 }),
});

const bigJob = [
  'id',
  'user_id',
  'channel',
  'conversation',
  'message',
  'input',
  'state',
  'outcome',
  'reply',
  'snapshot',
  'machine_version',
  'n',
  'seq',
  'wake_at',
  'created_at',
  'updated_at',
  'ended_at',
];

export function addRows(connection: SqliteConnection, generated: GeneratedRows): void {
  const { users, jobs, documents, keys } = generated;
  const userOf = (index: number): string => users[index % users.length]!;
  const insert = (table: string, row: Record<string, unknown>): number =>
    Number(
      connection
        .prepare(
          `insert into ${table} (${Object.keys(row).join()}) values (${Object.keys(row)
            .map(() => '?')
            .join()})`,
        )
        .run(...Object.values(row)).lastInsertRowid,
    );
  const skip = (positions: number): void => {
    connection.exec(
      "insert or ignore into sqlite_sequence (name, seq) select 'journal', 0 where not exists (select 1 from sqlite_sequence where name = 'journal')",
    );
    connection
      .prepare("update sqlite_sequence set seq = seq + ? where name = 'journal'")
      .run(positions);
  };
  for (const [index, job] of jobs.entries()) {
    const [message, state, reply, channel] = job.texts;
    const values = [
      `job-${index}`,
      userOf(job.user),
      channel,
      `c ${userOf(job.user)}`,
      message,
      '{}',
      state,
      null,
      reply,
      job.snapshot,
      1,
      1,
      1,
      job.ended === null ? job.times[1] : null,
      job.times[0],
      job.times[1],
      job.ended,
    ];
    const num = insert('job', Object.fromEntries(bigJob.map((name, at) => [name, values[at]])));
    for (const [n, row] of job.rows.entries()) {
      skip(row.skip);
      const { event, value, emitted } = row;
      const pos = insert('journal', {
        job: num,
        n: n + 1,
        at: n,
        event,
        value,
        seq: n + 1,
        emitted,
      });
      if (row.isRemoved) connection.prepare('delete from journal where pos = ?').run(pos);
    }
  }
  for (const [index, document] of documents.entries()) {
    const [title, text, markdown] = document.texts;
    const id = `d-${index}`;
    const num = insert('document', {
      id,
      owner: userOf(document.user),
      created_at: index,
      updated_at: index,
      deleted_at: document.deleted,
      content_origin: 'memo',
      title,
      source_metadata: JSON.stringify(document.metadata),
      extracted_text: text,
      md_content: markdown,
    });
    insert('document_chunk', {
      document: num,
      owner: userOf(document.user),
      start: 0,
      length: 1,
      vector: Buffer.from(Float32Array.from(document.vectors).buffer),
    });
    insert('document_version', {
      document_id: id,
      version: 1,
      made_by: 'draft',
      status: 'draft',
      at: 1,
      text_sha256: '',
      md_content: markdown,
    });
    insert('calendar_event', {
      owner: userOf(document.user),
      uid: `${title}${id}`,
      first_wall: -5,
      last_wall: 8.64e15,
      created_at: 1,
      updated_at: 1,
      ics: text,
      entry: '{}',
    });
    insert('memory_fact', {
      id: `f-${index}`,
      user_id: userOf(document.user),
      text: `${title} ${index}`,
      digest: index % 2 === 0 ? `digest ${index}` : null,
      created_by: 'chat',
      channel: title,
      job_id: null,
      created_at: index,
      forgotten_at: index % 2 === 0 ? null : 9,
      forgotten_by: null,
      revision: 1,
    });
    insert('memory_term', {
      user_id: userOf(document.user),
      term: `${text}`,
      created_at: index,
      fact: `f-${index}`,
    });
    for (let seq = 1; seq <= document.events; seq += 1) {
      skip(1);
      const { seq: pos } = connection
        .prepare("select seq from sqlite_sequence where name = 'journal'")
        .get() as { seq: number };
      insert('document_event', {
        pos,
        document_id: id,
        user_id: userOf(document.user),
        seq,
        type: 'queued',
        state: 'waiting',
        at: seq,
        data: '{}',
      });
    }
    if (index % 2 === 0) connection.exec(`delete from embedding_backlog where document = ${num}`);
    if (index % 3 === 0)
      connection.exec(
        `update draft set state = 'dead', attempts = 3, last_error = 'x' where document_id = '${id}'`,
      );
    insert('draft_section', { document_id: id, section: 0, request_sha256: '', md_content: text });
  }
  for (const [index, key] of keys.entries()) {
    insert('submission', { key, job_id: 'job-0', at: index });
    insert('delivery', {
      reply_id: key,
      job_id: 'job-0',
      channel: 'c',
      status: 'sent',
      parts: 1,
      error: null,
      at: index,
    });
    insert('draft_setting', { name: key, value: key });
    insert('relay', { name: key, pos: index });
  }
  insert('embedding_space', { id: 1, model: 'm', dim: null });
}
