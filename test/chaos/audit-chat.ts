/**
 * Compares the posts in the chat with the replies of the core. A reply is identified by its mark, or else by its
 * text.
 *
 * 1. A `sent` reply is in the chat once and complete, an `uncertain` reply at most once, no reply twice.
 * 2. The answers to a user are in the order of the questions, and so are the user's jobs in the core.
 */
import { textsOf } from '#machines/texts';
import type { StateEvent } from '#shared/wire/state-event';
import type { Finding } from './finding.ts';
import { marksIn } from './marks.ts';
import type { ObservedJob, Observations } from './observations.ts';

const channel = 'synology';

interface Said {
  id: string;
  userId: string;
  mark: string | null;
  /** Without white space, because splitting into posts changes white space. */
  text: string;
  isEnd: boolean;
  status: 'sent' | 'uncertain' | 'dead' | null;
}

const bare = (text: string): string => text.replaceAll(/\s+/g, '');

export function auditChat(seen: Observations): Finding[] {
  const chatJobs = seen.jobs.filter(({ view }) => view.channel === channel);
  const said = chatJobs.flatMap(saidBy);
  return [
    reported(said),
    shownOnce(seen, said),
    ...ordered(seen, said),
    refusedInWords(seen, said),
  ];
}

/** The drafts and ends of a job. Notices are left out, as the bridge may drop them. */
function saidBy({ view, events }: ObservedJob): Said[] {
  return events.flatMap((event) => {
    const text = textOf(event);
    if (text === null) return [];
    const reports = view.deliveries.filter(({ reply_id }) => reply_id === event.id);
    return [
      {
        id: event.id,
        userId: view.user_id,
        mark: marksIn(text).at(-1) ?? null,
        text: bare(text),
        isEnd: event.type !== 'result',
        status: reports[0]?.status ?? null,
      },
    ];
  });
}

function textOf({ type, state, data }: StateEvent): string | null {
  if (type === 'done' || type === 'cancelled') return String(data['reply']);
  if (type === 'result' && state === 'confirm-draft' && data['final'] !== true) {
    return String(data['content']);
  }
  return null;
}

function reported(said: readonly Said[]): Finding {
  return {
    promise: 'P1',
    what: 'each draft and each end in the chat is reported as sent, uncertain or dead',
    checked: said.length,
    violations: said
      .filter(({ status }) => status === null)
      .map(({ id }) => `nobody knows what became of ${id}`),
  };
}

function shownOnce({ shown, jobs }: Observations, said: readonly Said[]): Finding {
  const violations: string[] = [];
  let checked = 0;
  const notices = noticeTexts(jobs);
  for (const [userId, posts] of shown) {
    const mine = said.filter((one) => one.userId === userId);
    checked += posts.length;
    const marked = posts.filter((post) => marksIn(post).length > 0).map(bare);
    const byMark = Map.groupBy(marked, (post) => marksIn(post).at(-1)!);
    const replies = Map.groupBy(mine, ({ mark }) => mark ?? '');
    for (const mark of new Set([...byMark.keys(), ...replies.keys()])) {
      if (mark !== '') {
        violations.push(...judgeMark(mark, replies.get(mark) ?? [], byMark.get(mark) ?? []));
      }
    }
    const plain = Map.groupBy(posts.map(bare), (post) => post);
    for (const [text, group] of Map.groupBy(replies.get('') ?? [], (one) => one.text)) {
      const { sent, most } = counts(group);
      const count = plain.get(text)?.length ?? 0;
      const others = notices.get(`${userId} ${text}`) ?? 0;
      if (count < sent || count > most + others) {
        violations.push(
          `${userId}: ${JSON.stringify(text.slice(0, 40))} stands ${count} times, not ${sent}`,
        );
      }
    }
  }
  return {
    promise: 'P1',
    what: 'what was sent stands in the chat once and whole; nothing stands there twice',
    checked,
    violations,
  };
}

const counts = (said: readonly Said[]): { sent: number; most: number } => ({
  sent: said.filter(({ status }) => status === 'sent').length,
  most: said.filter(({ status }) => status !== null).length,
});

/** How many posts of a notice are permitted, by user and text. */
function noticeTexts(jobs: readonly ObservedJob[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { view, events } of jobs) {
    for (const { data } of events) {
      if (typeof data['message'] !== 'string') continue;
      const key = `${view.user_id} ${bare(data['message'])}`;
      found.set(key, (found.get(key) ?? 0) + 1);
    }
  }
  return found;
}

/** Checks all posts of one mark: a draft and its end, or one answer, in one or several posts. */
function judgeMark(mark: string, said: readonly Said[], posts: readonly string[]): string[] {
  if (said.length === 0) return posts.length === 0 ? [] : [`${mark}: shown, but nobody said it`];
  const left = [...posts];
  const faults: string[] = [];
  const [long, short] = [said.filter(isLong), said.filter((one) => !isLong(one))];
  for (const [text, group] of Map.groupBy(short, (one) => one.text)) {
    const { sent, most } = counts(group);
    const count = left.filter((post) => post === text).length;
    if (count < sent || count > most) faults.push(`${mark} stands ${count} times, not ${sent}`);
    for (let n = 0; n < count; n += 1) left.splice(left.indexOf(text), 1);
  }
  for (const { text, status } of long) {
    if (status === 'sent') {
      const parts = left.splice(0);
      if (parts.join('') !== text) faults.push(`${mark} is not whole: ${parts.length} parts`);
      continue;
    }
    let offset = 0;
    for (const part of left.splice(0)) {
      const at = text.indexOf(part, offset);
      if (at < 0) faults.push(`${mark}: a part stands twice or in the wrong place`);
      else offset = at + part.length;
    }
  }
  return left.length === 0 ? faults : [...faults, `${mark}: ${left.length} posts too many`];
}

/** May have been split into parts, also when the NAS lowers its limit. */
const isLong = ({ text }: Said): boolean => text.length > 400;

function ordered({ shown, sent, jobs }: Observations, said: readonly Said[]): Finding[] {
  const first = new Map(said.toReversed().map((one) => [one.mark ?? '', one]));
  const taken = new Map(jobs.map(({ view }, index) => [marksIn(view.message).at(-1) ?? '', index]));
  const asked = sent.filter((one) => one.via === 'chat' && one.inOrder && one.mark !== null);
  const inCore: string[] = [];
  const inChat: string[] = [];
  for (const [userId, mine] of Map.groupBy(asked, (one) => one.userId)) {
    const marks = mine.map(({ mark }) => mark!);
    const firstAt = new Map<string, number>();
    for (const [index, post] of (shown.get(userId) ?? []).entries()) {
      for (const mark of marksIn(post)) if (!firstAt.has(mark)) firstAt.set(mark, index);
    }
    const known = marks.filter((mark) => first.get(mark)?.status === 'sent' && firstAt.has(mark));
    inChat.push(...backwards(known.map((mark) => [mark, firstAt.get(mark)!])));
    const jobMarks = marks.filter((mark) => taken.has(mark));
    inCore.push(...backwards(jobMarks.map((mark) => [mark, taken.get(mark)!])));
  }
  const finding = (what: string, violations: string[]): Finding => ({
    promise: 'order',
    what,
    checked: asked.length,
    violations,
  });
  return [
    finding("the core took a person's questions in the order in which they were accepted", inCore),
    finding("answers stand in the chat in the order of the person's questions", inChat),
  ];
}

/** The marks that are before their predecessor. */
function backwards(places: readonly (readonly [mark: string, at: number])[]): string[] {
  return places.flatMap(([mark, at], index) => {
    const before = places[index - 1];
    return before !== undefined && at < before[1] ? [`${mark} stands before ${before[0]}`] : [];
  });
}

/** A message that is too long becomes no job; its sender receives one refusal. */
function refusedInWords({ sent, shown, bridge }: Observations, said: readonly Said[]): Finding {
  const violations: string[] = [];
  const start = bare(textsOf('ko').noAnswer);
  let missing = 0;
  const refused = sent.filter(
    (one) => one.kind === 'tooLong' && one.via === 'chat' && one.accepted,
  );
  for (const [userId, group] of Map.groupBy(refused, (one) => one.userId)) {
    const told = (shown.get(userId) ?? []).filter(
      (text) => text.includes('GH_REQUEST_TOO_LONG') && bare(text).startsWith(start),
    ).length;
    if (told > group.length)
      violations.push(`${userId}: refused ${told} times, not ${group.length}`);
    missing += Math.max(0, group.length - told);
  }
  // Refusals belong to no job: the bridge's counts limit how many may be missing.
  const ofJobs = said.filter(({ status }) => status === 'uncertain' || status === 'dead').length;
  const lost = Math.max(0, bridge.uncertain + bridge.dead - ofJobs);
  if (missing > lost) violations.push(`${missing} refusals were never shown`);
  return {
    promise: 'P1',
    what: 'who wrote too much was told so, once',
    checked: refused.length,
    violations,
  };
}
