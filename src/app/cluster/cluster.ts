/** This core as one of several workers: its messages to the others, its doors, and the leases that it holds. */
import { admitWorker, type Candidate } from '#cluster/admission';
import { clusterTimingOf, type ClusterTiming } from '#cluster/cluster-timing';
import { joinCluster, type ClusterMember, type LeaseUser } from '#cluster/cluster-member';
import { ClusterGates } from '#cluster/gate/cluster-gates';
import { createLeaseDoors, type LeaseDoors } from '#cluster/lease-doors';
import { createLeaseUsers, type LeaseUsers } from '#cluster/lease-users';
import { createPartitionUser } from '#cluster/partition-user';
import { createRoleUser, type Role } from '#cluster/roles';
import { NatsTransport } from '#events/connection/nats-transport';
import { createTaskSwitch } from '#events/connection/task-switch';
import type { MessagingSwitches } from '#events/messaging-port';
import { createSequencer } from '#events/store/postgres/event-sequencer';
import type { Journal } from '#jobs/runtime/journal';
import { createLiveHub, type LiveHub } from '#jobs/runtime/live-hub';
import { jobMachineVersion } from '#machines/job';
import { documentEventSchema } from '#shared/wire/document-event';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { NotDeliveredError } from '#shared/message-transport';
import type { LiveSource } from '#shared/wire/live-source';
import type { ClusterFigures } from '#observability/metrics/cluster-metrics';
import type { ClusterView } from '#shared/wire/cluster-view';
import { createSubjects, type Subjects } from '#shared/wire/subjects';
import { readWorkerInfos } from '#storage/postgres/leases';
import { partitionLease, sequencerLease } from '#storage/postgres/partition';
import { assertServers, candidateOf } from './candidate.ts';
import type { ClusterSettings } from '../config/cluster-settings.ts';
import type { Config } from '../config/config.ts';
import type { SharedDatabase } from '../stores/shared-database.ts';
import type { Stores } from '../stores/stores.ts';
import { countersOf, figuresOf, overviewOf, type OverviewParts } from './cluster-overview.ts';
import { createClusterLive, type ClusterLive, type ClusterLiveParts } from './cluster-live.ts';
import { createJobCommands, jobOperations, type JobCommands } from './job-doors.ts';
import { libraryOperations, routeChanges } from './library-doors.ts';
import { memoryOperations, routeMemoryChanges } from './memory-doors.ts';
import { routeScheduleChanges, scheduleOperations } from './schedule-doors.ts';

/** A worker that is not gone answers a ping within this time, unless it is stopped. */
const pingMs = 400;
/** A page waits so long for the counters of the other workers. */
const countersMs = 500;
/** A worker without NATS keeps its work for so many times `goneAfterMs`: most servers are back by then. */
const isolatedAfter = 2;
/** NATS is waited for so long before leases are taken: others reach this worker only over it. */
const connectMs = 5_000;

export interface ClusterParts {
  settings: ClusterSettings;
  stores: Stores;
  shared: SharedDatabase;
  nats: Config['nats'];
  backends: Config['backends'];
  persons: Config['persons'];
  log: Log;
  /** For tests: that of another version. */
  machineVersion?: number | undefined;
}

export class Cluster {
  readonly transport = new NatsTransport();
  readonly users: LeaseUsers = createLeaseUsers();
  readonly switches: MessagingSwitches = {
    relay: createTaskSwitch(false),
    intake: createTaskSwitch(false),
  };
  readonly subjects: Subjects;
  readonly doors: LeaseDoors;
  readonly gates: ClusterGates;
  /** Stores whose changes of documents go to the owners of their partitions. */
  readonly stores: Stores;
  readonly hub: LiveHub;
  readonly #parts: ClusterParts;
  readonly #timing: ClusterTiming;
  readonly #candidate: Candidate;
  readonly #ends: (() => void)[] = [];
  #member: ClusterMember | null = null;
  #workerId = '';
  #live: ClusterLive | null = null;
  #sequencerWake: (() => void) | null = null;
  #wakeSchedules: () => void = () => undefined;
  #fencedCommits = 0;
  #noteFacts: (owner: string) => void = () => undefined;
  #endInbox: () => void = () => undefined;

  constructor(parts: ClusterParts) {
    const { stores, shared, log } = parts;
    this.#parts = parts;
    this.#timing = clusterTimingOf(parts.settings);
    this.#candidate = candidateOf(parts);
    this.subjects = createSubjects(parts.nats.prefix);
    this.doors = createLeaseDoors({
      transport: this.transport,
      subjectOf: this.subjects.door,
      isConfirmed: () => this.#member?.isConfirmed() ?? true,
      log,
    });
    this.gates = new ClusterGates({
      worker: this.#candidate.name,
      transport: this.transport,
      subjects: this.subjects,
      isConfirmed: () => this.#member?.isConfirmed(this.#timing.muteAfterMs) ?? true,
      timing: this.#timing,
    });
    const documents = routeChanges(stores.documents, shared.database, this.doors);
    const schedules = routeScheduleChanges(stores.schedules, this.doors);
    const memory = routeMemoryChanges(stores.memory, this.doors);
    this.stores = { ...stores, documents, schedules, memory };
    this.hub = this.#createHub();
  }

  /** Null before `join`. */
  get member(): ClusterMember | null {
    return this.#member;
  }

  /** Commands of jobs, sent to the worker that runs the job. */
  jobCommands(): JobCommands {
    return createJobCommands({ doors: this.doors, userOf: this.#parts.stores.events.userOf });
  }

  /** The live events of the jobs of all workers. */
  liveOf(
    journal: Pick<Journal, 'queuePositionOf'>,
    eventsAfter: ClusterLiveParts['eventsAfter'],
  ): ClusterLive {
    this.#live = createClusterLive({
      hub: this.hub,
      doors: this.doors,
      transport: this.transport,
      inbox: () => this.subjects.worker(this.#workerId),
      userOf: this.#parts.stores.events.userOf,
      eventsAfter,
      queueOf: (jobId) => journal.queuePositionOf(jobId),
      allEvents: this.subjects.wildcards.events,
      log: this.#parts.log,
    });
    return this.#live;
  }

  /** Partitions were lost, as a refused write shows. */
  fenced(partitions: readonly number[]): void {
    this.#fencedCommits += 1;
    this.#member?.fenced(partitions.map(partitionLease));
  }

  /** For those who watch all jobs of all workers. */
  get allLive(): LiveSource | null {
    const live = this.#live;
    if (live === null) return null;
    return {
      textSoFar: live.textSoFar,
      subscribe: (jobId, listener) =>
        jobId === null ? live.subscribeAll(listener) : live.subscribe(jobId, listener),
    };
  }

  /** Calls the listener with a person whose facts another worker has changed here. */
  onFactsChanged(listener: (owner: string) => void): void {
    this.#noteFacts = listener;
  }

  /** Calls the listener when schedules of this worker's partitions may be due earlier than it knows. */
  onSchedulesChanged(listener: () => void): void {
    this.#wakeSchedules = listener;
  }

  /**
   * Resolves when this worker has its first leases.
   * @throws GH_CLUSTER_WORKER, GH_CLUSTER_SETTINGS, GH_BUS_NO_JETSTREAM, GH_BUS_STREAM and others; the error of the driver
   */
  async join(journal: Journal, roles: readonly Role[]): Promise<void> {
    const { settings, shared, log, machineVersion = jobMachineVersion } = this.#parts;
    const all = [this.#sequencerRole(), ...this.#messagingRoles(), ...roles];
    this.users.add('part/', this.#partitionUser(journal));
    // After it: the schedules of new partitions may be due.
    this.users.add('part/', {
      gained: () => this.#wakeSchedules(),
      lost: () => undefined,
      handOver: async () => undefined,
    });
    this.users.add('role/', createRoleUser(all, log));
    this.users.add('gate/', this.gates);
    await assertServers(this.#parts);
    this.#listen();
    await this.transport.connected(connectMs);
    const candidate = this.#candidate;
    await admitWorker(shared.database, candidate);
    this.#member = await joinCluster({
      database: shared.database,
      machineVersion,
      name: candidate.name,
      info: JSON.stringify(candidate.info),
      leases: [...all.map(({ name }) => name), ...this.gates.leases()],
      user: this.users,
      log,
      timing: this.#timing,
      handOverMax: settings.handOverMax,
      isUnreachable: (id) => this.#isUnreachable(id),
      isIsolated: () => this.#isIsolated(),
      onJoined: ({ id }) => this.#receiveAs(id),
      onReleased: () => this.transport.publish(this.subjects.hint('leases'), {}),
    });
    shared.setCondition(() =>
      this.#member?.isConfirmed() === false
        ? 'the beats of this worker are not stored: others take its work over'
        : null,
    );
  }

  /** What this worker knows of the cluster; null before it has joined. */
  async overview(): Promise<ClusterView | null> {
    const parts = this.#overviewParts();
    const ask = (id: string): Promise<unknown> =>
      this.transport
        .request(this.subjects.worker(id), { counters: true }, countersMs)
        .catch(() => null);
    if (parts === null) return null;
    // Without the database the rest is still shown.
    const infos = await readWorkerInfos(this.#parts.shared.database).catch(() => new Map());
    return overviewOf(parts, infos, ask);
  }

  /** For the metrics; null before it has joined. */
  figures(): ClusterFigures | null {
    const parts = this.#overviewParts();
    return parts === null ? null : figuresOf(parts);
  }

  /** Hands everything over. Requests are sent to the other workers from then on. */
  async leave(): Promise<void> {
    const { log } = this.#parts;
    try {
      await this.#member?.leave();
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the leases could not be given up: others wait');
    }
  }

  /** After `leave`, when no request is in hand any more. */
  close(): void {
    this.#live?.stop();
    this.#endInbox();
    for (const end of this.#ends.splice(0)) end();
  }

  #overviewParts(): OverviewParts | null {
    const [member, gates, fencedCommits] = [this.#member, this.gates, this.#fencedCommits];
    return member === null ? null : { member, gates, fencedCommits };
  }

  /** Events of documents are published by the worker that has changed them. */
  #createHub(): LiveHub {
    const hub = createLiveHub();
    const subject = this.subjects.hint('document');
    this.#ends.push(
      this.transport.subscribe(subject, (message) => {
        const event = documentEventSchema.safeParse(message);
        if (event.success) hub.document(event.data);
      }),
    );
    // Its own messages come back to this process too: they are signs to read, and may be doubled.
    return { ...hub, document: (event) => this.#publishDocument(hub, event) };
  }

  #publishDocument(hub: LiveHub, event: Parameters<LiveHub['document']>[0]): void {
    hub.document(event);
    this.transport.publish(this.subjects.hint('document'), event);
  }

  #partitionUser(journal: Journal): LeaseUser {
    const { stores, shared, log } = this.#parts;
    return createPartitionUser({
      jobs: journal,
      writer: shared.writer,
      doors: this.doors,
      operations: {
        ...jobOperations(journal),
        ...libraryOperations(stores.documents),
        ...scheduleOperations(stores.schedules, () => this.#wakeSchedules()),
        ...memoryOperations(stores.memory, (owner) => this.#noteFacts(owner)),
        ...this.#live?.operations,
      },
      log,
    });
  }

  #messagingRoles(): Role[] {
    const { relay, intake } = this.switches;
    return [
      { name: 'role/relay', start: () => relay.turnOn(), stop: () => relay.turnOff() },
      { name: 'role/intake', start: () => intake.turnOn(), stop: () => intake.turnOff() },
    ];
  }

  #sequencerRole(): Role {
    const { shared, log } = this.#parts;
    let ended = new AbortController();
    let running: Promise<void> = Promise.resolve();
    const onAppended = (): void => {
      shared.announceAppended();
      this.transport.publish(this.subjects.hint('placed'), {});
    };
    return {
      name: sequencerLease,
      start: (lease, worker) => {
        ended = new AbortController();
        const sequencer = createSequencer(
          { database: shared.database, worker, log, onAppended },
          lease,
        );
        this.#sequencerWake = () => sequencer.wake();
        running = sequencer.run(ended.signal).catch((error: unknown) => {
          if (!(error instanceof GatehouseError)) throw error;
          this.#fencedCommits += 1;
          this.#member?.fenced([sequencerLease]);
        });
      },
      stop: async () => {
        this.#sequencerWake = null;
        ended.abort();
        await running;
      },
    };
  }

  #listen(): void {
    const { shared } = this.#parts;
    const on = (kind: Parameters<Subjects['hint']>[0], work: () => void): void =>
      void this.#ends.push(this.transport.subscribe(this.subjects.hint(kind), work));
    on('leases', () => this.#member?.wake());
    on('written', () => this.#sequencerWake?.());
    on('placed', () => {
      if (this.#sequencerWake === null) shared.announceAppended();
    });
    shared.onWritten(() => {
      if (this.#sequencerWake !== null) this.#sequencerWake();
      else this.transport.publish(this.subjects.hint('written'), {});
    });
  }

  #receiveAs(id: string): void {
    this.#workerId = id;
    this.#endInbox();
    this.#endInbox = this.transport.subscribe(this.subjects.worker(id), (message) => {
      const isObject = message !== null && typeof message === 'object';
      if (isObject && 'ping' in message) return {};
      if (isObject && 'counters' in message) {
        const parts = this.#overviewParts();
        return parts === null ? {} : countersOf(parts);
      }
      this.#live?.receive(message);
      return undefined;
    });
  }

  async #isUnreachable(id: string): Promise<boolean> {
    try {
      await this.transport.request(this.subjects.worker(id), { ping: true }, pingMs);
      return false;
    } catch (error) {
      // Without a connection of its own it knows nothing.
      return error instanceof NotDeliveredError && this.transport.lostAt === null;
    }
  }

  #isIsolated(): boolean {
    const { lostAt } = this.transport;
    const limitMs = isolatedAfter * this.#parts.settings.goneAfterMs;
    return lostAt !== null && performance.now() - lostAt > limitMs;
  }
}
