/**
 * Audits the end of a storm from outside: the posts in the chat, the job views of the core, and the logs of the
 * processes. Every accepted message must have exactly one visible end.
 */
import type { JobView } from '#shared/wire/job-service';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import type { ApiRequest } from '#simulators/synology-chat/api-request';
import { textsShownTo } from './bridge-fixture.ts';

export interface StormMessage {
  userId: number;
  n: number;
  /** Is part of the message, and of every answer to it. */
  mark: string;
  kind: 'short' | 'long';
}

export interface StormVerdict {
  messages: number;
  answeredOnce: number;
  uncertain: number;
  dead: number;
  notices: number;
  /** One line per fault; empty when every check succeeds. */
  faults: string[];
}

export const markOf = (userId: number, n: number): string => `#${userId}-${n}#`;
/** A long answer is cut into parts; these mark its beginning and its end. */
export const [headOf, tailOf] = [
  (mark: string): string => `시작 ${mark}`,
  (mark: string): string => `끝 ${mark}`,
];

export function auditStorm(parts: {
  messages: readonly StormMessage[];
  dsm: FakeDsm;
  jobs: ReadonlyMap<string, JobView>;
  logs: string;
  secrets: readonly string[];
  /** Each kill of the bridge may leave one post with an unknown result. */
  bridgeKills: number;
}): StormVerdict {
  const { messages, dsm, jobs, logs } = parts;
  const verdict: StormVerdict = {
    messages: messages.length,
    answeredOnce: 0,
    uncertain: 0,
    dead: 0,
    notices: 0,
    faults: [],
  };
  for (const [userId, asked] of Map.groupBy(messages, (message) => message.userId)) {
    const said = textsShownTo(dsm, userId);
    verdict.notices += said.filter((text) => !/#\d+-\d+#/.test(text)).length;
    for (const message of asked) judge(message, said, jobs.get(message.mark), verdict);
    checkOrder(userId, said, verdict);
  }
  checkCertainty(messages, jobs, dsm.requests(), parts.bridgeKills, verdict);
  for (const secret of [...parts.secrets, '#4-']) {
    if (logs.includes(secret)) verdict.faults.push(`the logs hold ${JSON.stringify(secret)}`);
  }
  return verdict;
}

function judge(
  { mark, kind }: StormMessage,
  said: readonly string[],
  job: JobView | undefined,
  verdict: StormVerdict,
): void {
  const fault = (what: string): void => void verdict.faults.push(`${mark}: ${what}`);
  if (job === undefined) return fault('the core has no job for it');
  if (job.outcome === null) return fault(`its job has not ended: ${job.state}`);
  const shown = said.filter((text) => text.includes(mark));
  const heads = shown.filter((text) => text.includes(headOf(mark))).length;
  const tails = shown.filter((text) => text.includes(tailOf(mark))).length;
  if (heads > 1 || tails > 1) fault(`it stands ${heads} and ${tails} times in the chat`);
  // The report of the final reply: notices have reports too.
  const ends = job.deliveries.filter(({ reply_id }) => reply_id === `${job.job_id}:${job.seq}`);
  const [end] = ends;
  if (end === undefined) return fault('the core was not told what became of its answer');
  if (end.status === 'sent') {
    verdict.answeredOnce += 1;
    if (heads !== 1 || tails !== 1)
      fault(`"sent", but it stands ${heads}/${tails} times in the chat`);
    if (kind === 'long' && end.parts < 2) fault('a long answer in one post');
  } else if (end.status === 'uncertain') verdict.uncertain += 1;
  else verdict.dead += 1;
}

/** The bridge received no readable response: the result of such a post is unknown. */
const isLost = ({ outcome, httpStatus }: ApiRequest): boolean =>
  outcome === 'cut' || (httpStatus ?? 0) >= 500;
/** Out of order, stopped, too long, too fast: such a post is sent again until it succeeds. */
const passing = [100, 102, 410, 411];
/** A post refused with 117 is sent again three times. */
const refusals = (code: number): number => (code === 117 ? 0.25 : 1);

/** Every uncertain or dead reply must be explained by a fault of the NAS or by a kill of the bridge. */
function checkCertainty(
  messages: readonly StormMessage[],
  jobs: ReadonlyMap<string, JobView>,
  requests: readonly ApiRequest[],
  bridgeKills: number,
  { dead, faults }: StormVerdict,
): void {
  const posts = requests.filter(({ method }) => method === 'chatbot');
  const lost = posts.filter(isLost).map(({ text }) => /#\d+-\d+#/.exec(text ?? '')?.[0]);
  const unexplained = messages.filter(({ mark }) => {
    const job = jobs.get(mark);
    const end = job?.deliveries.find(({ reply_id }) => reply_id === `${job.job_id}:${job.seq}`);
    return end?.status === 'uncertain' && !lost.includes(mark);
  });
  // The other lost posts have no known owner: the connection ended before the text was read.
  const unknown = lost.filter((mark) => mark === undefined).length + bridgeKills;
  if (unexplained.length > unknown) {
    faults.push(`${unexplained.length} are uncertain, and ${unknown} posts could be the reason`);
  }
  const refused = Map.groupBy(
    posts.filter(({ code }) => code !== null && code !== 0 && !passing.includes(code)),
    ({ text }) => text,
  );
  const deadMax = [...refused.values()].filter(
    (group) => group.reduce((sum, { code }) => sum + refusals(code!), 0) >= 1,
  ).length;
  if (dead > deadMax) faults.push(`${dead} are dead, and the NAS refused ${deadMax} for good`);
}

/** Answers must be in the order of the questions; the parts of one answer must be together and in order. */
function checkOrder(userId: number, said: readonly string[], { faults }: StormVerdict): void {
  let last = 0;
  for (const text of said) {
    const n = Number(/#\d+-(\d+)#/.exec(text)?.[1] ?? last);
    if (n < last) faults.push(`user ${userId}: the answer to ${n} came after that to ${last}`);
    last = Math.max(last, n);
  }
}
