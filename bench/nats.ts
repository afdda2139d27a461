/**
 * The cost of NATS: events per second from the journal into JetStream, jobs per second with NATS on, and the time
 * from a commit to a subscriber; each compared with a plain client that does the same (or with NATS off) on the same
 * server, in the same rounds.
 *
 * The stream of the client has the settings of GH_EVT. The client publishes from memory at each commit and loses
 * unsent events in a crash: it is a lower bound, not an alternative.
 */
import type { MaybePromise } from '#shared/maybe-promise';
import type { StateEvent } from '#shared/wire/state-event';
import type { OutgoingMessage } from '#events/outbox/outgoing-messages';
import { prepareNatsServer } from '#test/support/nats-server';
import { allOut, openBusBench, type BusBench } from './support/bus-jobs.ts';
import {
  inFlight,
  interleave,
  median,
  printTable,
  quantile,
  ratio,
  scratch,
} from './support/measure.ts';
import {
  nowMs,
  openListener,
  type Arrival,
  type ListenerOptions,
} from './support/nats-listener.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
/** No further round begins after this time, for slow or busy machines. */
const lastRoundAtMs = 36_000;
/** A benchmark that hangs is ended at this time, with its servers. */
const endMs = 58_000;
const jobsPerRound = 1_000;
const jobsInFlight = 100;
/** As many unacknowledged messages as the relay allows. */
const window = 64;
const warmUp = 2_000;
const singles = 60;

const command = prepareNatsServer();
if (command === null) process.exit(0);
const folders = [scratch(), scratch()] as const;
process.once('exit', () => {
  for (const folder of folders) folder.remove();
});
setTimeout(() => {
  console.error(`not done after ${endMs / 1000} s`);
  process.exit(1);
}, endMs).unref();

const [whole, quiet] = [
  await openBusBench(command, folders[0].path, 'fiveSteps'),
  await openBusBench(command, folders[1].path, 'unfinished'),
];
const { jobs, client } = whole;

interface Rate {
  perSecond: number;
  /** Journal rows that were not yet published when the last job ended. */
  behind: number;
}

async function jobRate(behind: () => MaybePromise<number>): Promise<Rate> {
  const from = performance.now();
  await inFlight(jobsPerRound, jobsInFlight, jobs.run);
  const tookMs = performance.now() - from;
  return { perSecond: (jobsPerRound / tookMs) * 1000, behind: await behind() };
}

let backlog: OutgoingMessage[] = [];

async function jobsWithoutBus(): Promise<Rate> {
  const pos = whole.lastPos();
  const rate = await jobRate(() => 0);
  backlog = whole.messagesAfter(pos);
  return rate;
}

const jobsWithBus = (): Promise<Rate> =>
  whole.withBus(async (bus) => {
    const rate = await jobRate(async () => (await bus.backlog()).backlog);
    await allOut(bus);
    return rate;
  });

/** Relays the events of jobs that ran with NATS off. The clock starts with the relay, before it is connected. */
async function eventsRelayed(): Promise<Rate> {
  const before = await whole.stored();
  const from = performance.now();
  const bus = whole.startBus();
  await allOut(bus);
  const tookMs = performance.now() - from;
  await bus.stop();
  const arrived = (await whole.stored()) - before;
  if (arrived !== backlog.length) throw new Error(`${arrived} of ${backlog.length} events arrived`);
  return { perSecond: (arrived / tookMs) * 1000, behind: 0 };
}

async function eventsPublished(): Promise<Rate> {
  const from = performance.now();
  await inFlight(backlog.length, window, (n) => client.stored(backlog[n]!));
  const tookMs = performance.now() - from;
  return { perSecond: (backlog.length / tookMs) * 1000, behind: 0 };
}

/** Milliseconds from the commit to the arrival, per kind of subscription. */
type Delays = Record<Arrival['way'], { p50: number; p99: number }>;

/** Submits jobs one by one, each after the events of the previous job have arrived. */
async function delays(
  bench: BusBench,
  listening: Pick<ListenerOptions, 'subject' | 'stream'>,
  onCommit: (event: StateEvent) => void,
): Promise<Delays> {
  const lastType = bench === quiet ? 'state' : 'done';
  const listener = await openListener({ url: bench.url, ...listening, lastType });
  const committedAt = new Map<string, number>();
  const unsubscribe = bench.jobs.hub.subscribe(null, {
    event(event) {
      committedAt.set(event.id, nowMs());
      onCommit(event);
    },
    token: () => undefined,
  });
  const arrivals: Arrival[] = [];
  for (let n = 0; n < singles; n += 1) {
    const next = listener.nextJob();
    await bench.jobs.submit(n);
    arrivals.push(...(await next));
  }
  unsubscribe();
  await listener.close();
  const of = (wanted: Arrival['way']): Delays['live'] => {
    const times = arrivals
      .filter(({ way }) => way === wanted)
      .map(({ id, at }) => at - committedAt.get(id)!);
    return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
  };
  return { live: of('live'), ordered: of('ordered') };
}

const delaysOf = (bench: BusBench) => ({
  gatehouse: () =>
    bench.withBus(() =>
      delays(bench, { subject: 'gatehouse.v1.live.>', stream: 'GH_EVT' }, () => undefined),
    ),
  stored: () =>
    delays(
      bench,
      { subject: bench.client.liveSubjects, stream: bench.client.stream },
      // The listener notices a lost message.
      (event) => void bench.client.stored(bench.client.messageOf(event)).catch(() => undefined),
    ),
  core: () =>
    delays(bench, { subject: bench.client.coreSubjects, stream: null }, (event) =>
      bench.client.core(bench.client.messageOf(event)),
    ),
});

const rates: Record<string, Rate[]> = {};
const quietDelays: Record<string, Delays[]> = {};
const wholeDelays: Record<string, Delays[]> = {};
let done = 0;

function keep<Figure>(all: Record<string, Figure[]>, more: Record<string, Figure[]>): void {
  for (const [name, figures] of Object.entries(more)) (all[name] ??= []).push(...figures);
}

await inFlight(warmUp, jobsInFlight, jobs.run);
while (done < rounds && performance.now() < lastRoundAtMs) {
  // Publishes the remaining events of the previous round, which are not part of these figures.
  await whole.withBus(async () => undefined);
  keep(rates, await interleave(1, { jobsWithoutBus, eventsRelayed, eventsPublished, jobsWithBus }));
  keep(quietDelays, await interleave(1, delaysOf(quiet)));
  keep(wholeDelays, await interleave(1, delaysOf(whole)));
  done += 1;
}
await whole.close();
await quiet.close();

const rateOf = (name: string, key: keyof Rate = 'perSecond'): number =>
  Math.round(median(rates[name]!.map((rate) => rate[key])));
printTable(
  `Events and jobs per second, medians of ${done} interleaved rounds of ${jobsPerRound} jobs (${backlog.length} events)`,
  ['figure', 'gatehouse', 'beside it', 'gatehouse to it', 'goal'],
  [
    [
      `events/s out of the journal into JetStream; the client alone, ${window} in flight`,
      rateOf('eventsRelayed'),
      rateOf('eventsPublished'),
      ratio(rateOf('eventsRelayed'), rateOf('eventsPublished')),
      '',
    ],
    [
      `jobs/s with the bus on, ${jobsInFlight} in flight (${rateOf('jobsWithBus', 'behind')} rows behind at the end); bus off`,
      rateOf('jobsWithBus'),
      rateOf('jobsWithoutBus'),
      ratio(rateOf('jobsWithBus'), rateOf('jobsWithoutBus')),
      '>= 0.85 x',
    ],
  ],
);

function delayRow(
  title: string,
  all: Record<string, Delays[]>,
  way: Arrival['way'],
  anchor: 'stored' | 'core',
): string[] {
  const ms = (name: string, q: 'p50' | 'p99'): number =>
    median(all[name]!.map((delay) => delay[way][q]));
  const pair = (name: string): string =>
    `${ms(name, 'p50').toFixed(2)} / ${ms(name, 'p99').toFixed(2)}`;
  const to = (q: 'p50' | 'p99'): string => ratio(ms('gatehouse', q), ms(anchor, q));
  const goal = anchor === 'stored' ? '<= 1.4 x' : '';
  return [title, pair('gatehouse'), pair(anchor), `${to('p50')} / ${to('p99')}`, goal];
}
const delayRows = (title: string, all: Record<string, Delays[]>): string[][] => [
  delayRow(`${title}, ordered consumer`, all, 'ordered', 'stored'),
  delayRow(`${title}, live subject`, all, 'live', 'stored'),
  delayRow(`${title}, live subject; client without a stream`, all, 'live', 'core'),
];
printTable(
  `From commit to subscriber, one job at a time, ms p50 / p99, medians of ${done} interleaved rounds`,
  ['subscriber', 'gatehouse', 'client at the same commits', 'gatehouse to it', 'goal'],
  [
    ...delayRows('a commit, then quiet (a model thinks)', quietDelays),
    ...delayRows('five commits, none waits for anything', wholeDelays),
  ],
);
process.exit(0);
