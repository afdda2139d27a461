/**
 * Requests to the owner of a lease, from any worker. Only the owner subscribes to the door of the lease: NATS is the
 * router, and no table of owners can be outdated.
 *
 * D1 A request that no owner has received, or that an owner refuses because it has lost the lease or stops, is sent again
 *    for 10 s: leases move.
 * D2 A request is carried out once per owner: a repeat after a lost answer joins the first. If the owner has changed
 *    meanwhile, an operation that is not idempotent is not repeated: its caller gets GH_STORE_UNKNOWN.
 * D3 An owner without a confirmed beat refuses: another one may exist.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { exponentialBackoffMs } from '#shared/backoff';
import { errorTable, GatehouseError, messageOf, type ErrorCode } from '#shared/errors';
import { createIdSource } from '#shared/ids';
import type { Log } from '#shared/log';
import { NotDeliveredError, type MessageTransport } from '#shared/message-transport';
import { cutMessage, createPieceCollector, pieceSchema } from './message-pieces.ts';

export interface DoorOperation {
  /** A repeat at another owner has no second effect: it has a key, or it only reads. */
  isIdempotent: boolean;
  /** @throws GH_REQUEST_INVALID for unchecked input of another form */
  run(input: unknown): Promise<unknown>;
}

/** @param input of the request, checked when it comes from another process */
export const doorOperation = <Schema extends z.ZodType>(
  input: Schema,
  run: (input: z.infer<Schema>) => Promise<unknown>,
  isIdempotent = true,
): DoorOperation => ({
  isIdempotent,
  async run(unchecked) {
    const parsed = input.safeParse(unchecked);
    if (!parsed.success)
      throw new GatehouseError('GH_REQUEST_INVALID', z.prettifyError(parsed.error));
    return run(parsed.data);
  },
});

export type DoorOperations = Readonly<Record<string, DoorOperation>>;

export interface LeaseDoors {
  /** This process owns the lease from now on. */
  open(lease: string, operations: DoorOperations): void;
  /** Accepts no more requests; resolves when those in hand have ended. */
  close(lease: string): Promise<void>;
  isOpen(lease: string): boolean;
  /** How many doors were opened until now: tells whether another process may have had a lease since. */
  readonly openings: number;
  /** The value of `openings` when this door was opened; null: it is not open. */
  openingOf(lease: string): number | null;
  /**
   * Resolves with the answer of the owner: this process, if it has the door open. The input must be JSON.
   * @param limitMs how long an owner is looked for
   * @param remoteInput for another process, if it gets another input
   * @throws what the operation throws; GH_STORE_UNAVAILABLE when no owner was found, GH_STORE_UNKNOWN (D2)
   */
  call(
    lease: string,
    operation: string,
    input: unknown,
    more?: { limitMs?: number; remoteInput?: unknown },
  ): Promise<unknown>;
}

export interface LeaseDoorsOptions {
  transport: MessageTransport;
  subjectOf(lease: string): string;
  /** D3. */
  isConfirmed(): boolean;
  log: Log;
}

/** A takeover takes 6 s at most. */
const repeatForMs = 10_000;
/** A request that is still in hand then is asked for again: its answer may be lost. */
const answerTimeoutMs = 3_000;
const repeatDelayMs = { first: 15, max: 200 };
/** The results of requests are kept so long for their repeats. */
const rememberMs = 30_000;
/** Of the largest message of the server, not for an answer: headers and the form of an error. */
const answerMarginBytes = 1_024;

const requestSchema = z.object({
  id: z.string().min(1).max(64),
  operation: z.string().max(64),
  input: z.unknown(),
  /** An earlier owner may have carried it out. */
  isInDoubt: z.boolean(),
});
type DoorRequest = z.infer<typeof requestSchema>;

const answerSchema = z.union([
  z.object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      retryAfterMs: z.number().nullable(),
      errorReason: z.string().nullable(),
      param: z.string().nullable(),
    }),
  }),
  z.object({ value: z.unknown().optional() }),
]);

interface Door {
  opening: number;
  operations: DoorOperations;
  unsubscribe: () => void;
  inHand: Set<Promise<unknown>>;
}

/** It was sent, and no answer came. */
class NoAnswerError extends Error {}

export const createLeaseDoors = (options: LeaseDoorsOptions): LeaseDoors => new Doors(options);

class Doors implements LeaseDoors {
  readonly #options: LeaseDoorsOptions;
  readonly #doors = new Map<string, Door>();
  readonly #nextId = createIdSource();
  /** Requests of other workers, by id. */
  readonly #known = new Map<string, Promise<unknown>>();
  readonly #pieces = createPieceCollector();
  #openings = 0;

  constructor(options: LeaseDoorsOptions) {
    this.#options = options;
  }

  isOpen(lease: string): boolean {
    return this.#doors.has(lease);
  }

  get openings(): number {
    return this.#openings;
  }

  openingOf(lease: string): number | null {
    return this.#doors.get(lease)?.opening ?? null;
  }

  open(lease: string, operations: DoorOperations): void {
    this.#doors.get(lease)?.unsubscribe();
    const { transport, subjectOf } = this.#options;
    this.#openings += 1;
    const door: Door = {
      opening: this.#openings,
      operations,
      inHand: new Set(),
      unsubscribe: () => undefined,
    };
    this.#doors.set(lease, door);
    door.unsubscribe = transport.subscribe(subjectOf(lease), (message) =>
      this.#receive(lease, message),
    );
  }

  async close(lease: string): Promise<void> {
    const door = this.#doors.get(lease);
    if (door === undefined) return;
    this.#doors.delete(lease);
    door.unsubscribe();
    await Promise.allSettled(door.inHand);
  }

  async call(
    lease: string,
    operation: string,
    input: unknown,
    {
      limitMs = repeatForMs,
      remoteInput = input,
    }: { limitMs?: number; remoteInput?: unknown } = {},
  ): Promise<unknown> {
    const request = { id: this.#nextId(), operation, input: remoteInput, isInDoubt: false };
    const deadline = performance.now() + limitMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const isOwn = this.#doors.has(lease) && this.#options.isConfirmed();
        // After a request to another process the keys of its input count.
        const own = attempt === 0 ? { ...request, input } : request;
        return await (isOwn ? this.#run(lease, own) : this.#send(lease, request, limitMs));
      } catch (error) {
        if (error instanceof NoAnswerError) request.isInDoubt = true;
        else if (!isWorthRepeating(error)) throw error;
        if (performance.now() > deadline) throw ownerMissing(lease, request, error);
      }
      const { first, max } = repeatDelayMs;
      await sleep(exponentialBackoffMs(attempt, first, max));
    }
  }

  /** @throws NotDeliveredError, NoAnswerError, GatehouseError */
  async #send(lease: string, request: DoorRequest, limitMs: number): Promise<unknown> {
    const { transport, subjectOf } = this.#options;
    let answer: unknown;
    for (const piece of cutMessage(request.id, JSON.stringify(request), transport.payloadMax)) {
      try {
        const timeoutMs = Math.min(answerTimeoutMs, limitMs);
        answer = await transport.request(subjectOf(lease), piece, timeoutMs);
      } catch (error) {
        throw error instanceof NotDeliveredError
          ? error
          : new NoAnswerError(messageOf(error), { cause: error });
      }
    }
    const parsed = answerSchema.safeParse(answer);
    if (!parsed.success) throw new NoAnswerError('the answer has another form');
    if (!('error' in parsed.data)) return parsed.data.value;
    const { code, message, retryAfterMs, errorReason, param } = parsed.data.error;
    throw new GatehouseError(code in errorTable ? (code as ErrorCode) : 'GH_JOB_BUG', message, {
      retryAfterMs,
      ...(errorReason === null ? {} : { errorReason }),
      ...(param === null ? {} : { param }),
    });
  }

  /** Never rejects. */
  async #receive(lease: string, message: unknown): Promise<unknown> {
    try {
      const text = this.#pieces.take(pieceSchema.parse(message));
      if (text === null) return {};
      const request = requestSchema.parse(JSON.parse(text));
      if (!this.#options.isConfirmed()) throw new GatehouseError('GH_STORE_FENCED');
      const answer = { value: await this.#runOnce(lease, request) };
      const bytesMax = this.#options.transport.payloadMax - answerMarginBytes;
      if (Buffer.byteLength(JSON.stringify(answer)) > bytesMax)
        throw new GatehouseError('GH_BUS_TOO_LARGE');
      return answer;
    } catch (error) {
      if (!(error instanceof GatehouseError))
        this.#options.log.error({ lease, error: messageOf(error) }, 'a request of a worker failed');
      const {
        code,
        message: text,
        ...more
      } = error instanceof GatehouseError ? error : new GatehouseError('GH_JOB_BUG');
      const { retryAfterMs, errorReason, param } = more;
      return { error: { code, message: text, retryAfterMs, errorReason, param } };
    }
  }

  /** D2. */
  #runOnce(lease: string, request: DoorRequest): Promise<unknown> {
    const known = this.#known.get(request.id);
    if (known !== undefined) return known;
    const result = this.#run(lease, request);
    this.#known.set(request.id, result);
    const forget = (): void => void this.#known.delete(request.id);
    result.then(
      () => setTimeout(forget, rememberMs).unref(),
      // Nothing was done: a repeat may succeed.
      forget,
    );
    return result;
  }

  async #run(lease: string, { operation, input, isInDoubt }: DoorRequest): Promise<unknown> {
    const door = this.#doors.get(lease);
    if (door === undefined) throw new GatehouseError('GH_STORE_FENCED');
    const found = Object.hasOwn(door.operations, operation)
      ? door.operations[operation]
      : undefined;
    if (found === undefined) {
      throw new GatehouseError('GH_REQUEST_INVALID', `there is no operation ${operation}`);
    }
    if (isInDoubt && !found.isIdempotent) throw new GatehouseError('GH_STORE_UNKNOWN');
    const running = found.run(input);
    door.inHand.add(running);
    try {
      return await running;
    } finally {
      door.inHand.delete(running);
    }
  }
}

const isWorthRepeating = (error: unknown): boolean =>
  error instanceof NotDeliveredError ||
  (error instanceof GatehouseError &&
    (error.code === 'GH_STORE_FENCED' || error.code === 'GH_SERVER_STOPPING'));

function ownerMissing(lease: string, { isInDoubt }: DoorRequest, cause: unknown): GatehouseError {
  if (isInDoubt) return new GatehouseError('GH_STORE_UNKNOWN', undefined, { cause });
  const why = `The owner of ${lease} cannot be reached`;
  return new GatehouseError('GH_STORE_UNAVAILABLE', why, { cause });
}
