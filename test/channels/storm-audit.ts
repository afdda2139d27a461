/**
 * Looks at the end of a storm from outside: what the chat shows, what the core says of its jobs, and what the
 * processes have logged. Every message that was accepted must have come to one visible end.
 */
import type { JobView } from '#shared/wire/job-service';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import type { ApiRequest } from '#simulators/synology-chat/api-request';
import { textsShownTo } from './bridge-fixture.ts';

export interface StormMessage {
  userId: number;
  n: number;
  /** Stands in the message, and in every answer to it. */
  mark: string;
  kind: 'short' | 'long';
}

export interface StormVerdict {
  messages: number;
  answeredOnce: number;
  uncertain: number;
  dead: number;
  notices: number;
  /** Empty when everything holds: one line for each fault. */
  faults: string[];
}

export const markOf = (userId: number, n: number): string => `#${userId}-${n}#`;
/** A long answer is cut into parts; these stand at its two ends. */
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
  /** Each may leave one post of which nobody knows. */
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
  // What people were told of the end of the job: notices have reports too.
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

/** No readable answer came back: of such a post nobody can know. */
const isLost = ({ outcome, httpStatus }: ApiRequest): boolean =>
  outcome === 'cut' || (httpStatus ?? 0) >= 500;
/** Out of order, stopped, too long, too fast: such a post is sent again until it is taken. */
const passing = [100, 102, 410, 411];
/** 117: sent again three times. */
const refusals = (code: number): number => (code === 117 ? 0.25 : 1);

/** What was marked uncertain or dead has a reason among the faults that there really were. */
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
  // Of the others it is not known whose they were: the connection ended before the text was read.
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

/** Answers come in the order of the questions; parts of one stand together and in order. */
function checkOrder(userId: number, said: readonly string[], { faults }: StormVerdict): void {
  let last = 0;
  for (const text of said) {
    const n = Number(/#\d+-(\d+)#/.exec(text)?.[1] ?? last);
    if (n < last) faults.push(`user ${userId}: the answer to ${n} came after that to ${last}`);
    last = Math.max(last, n);
  }
}
