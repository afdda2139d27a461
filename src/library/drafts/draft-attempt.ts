/**
 * One attempt at one memo: calls the model through its gate as preemptible background work, reports progress, and has
 * the result stored. It must never hold a transaction while the model works.
 */
import type { DraftResult } from '#machines/draft';
import type { Backend, ModelRequest } from '#shared/model/model';
import type { Clock } from '#shared/clock';
import type { FaultInjector } from '#shared/fault-points';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';
import { parseDraftOutcome, type DraftOutcome } from './parse-draft.ts';
import type { Claim, DraftQueue, ReleaseReason } from './draft-queue.ts';
import { draftRequests, sectionsMax } from './draft-prompt.ts';
import { sha256Of } from '../document-versions.ts';

/** The visible state of a running attempt. */
export interface RunningDraft {
  claim: Claim;
  /** Epoch ms. */
  since: number;
  /** Length of the draft so far, in UTF-16 units. */
  chars: number;
  /** Finished sections, and the number of all sections. */
  section: number;
  sections: number;
  preemptions: number;
  /** It waits at the gate. */
  isWaitingAtGate: boolean;
}

export interface DraftAttemptParts {
  /** Called for each attempt. */
  backend: () => Backend;
  queue: DraftQueue;
  clock: Clock;
  log: Log;
  faults: FaultInjector;
  /** Minimum time between two progress events. */
  progressMs: number;
}

export interface DraftAttempt {
  running: RunningDraft;
  signal: AbortSignal;
  /** Why the claim is released after the signal has aborted. */
  releaseReason: () => ReleaseReason;
}

/**
 * Resolves when the result of the attempt is on disk.
 * @throws GH_STORE_UNAVAILABLE when it could not be stored: the claim stays, for `recoverAbandoned`.
 */
export async function runDraftAttempt(
  parts: DraftAttemptParts,
  order: DraftAttempt,
): Promise<DraftResult> {
  const { queue, log, faults } = parts;
  const { claim } = order.running;
  faults.reach('draft.claimed', claim.documentId);
  const requests = draftRequests(claim.text);
  if (requests === null) {
    const message = `the memo has more than ${sectionsMax} sections`;
    await queue.fail(claim, { code: 'GH_DRAFT_TOO_LONG', message, errorReason: null });
    return 'settled';
  }
  order.running.sections = requests.length;
  const backend = parts.backend();
  const { documentId, attempt } = claim;
  const reading = await draftSections(parts, order, backend, requests);
  faults.reach('draft.answered', documentId);
  switch (reading.kind) {
    case 'text':
      await queue.complete(claim, reading.markdown, backend.id);
      faults.reach('draft.written', documentId);
      log.info({ document: documentId, attempt, backend: backend.id }, 'drafted');
      return 'settled';
    case 'broken-off':
      await queue.release(claim, order.releaseReason());
      return 'settled';
    case 'away':
      await queue.release(claim, 'backend_away', reading.errorReason);
      log.warn({ document: documentId, error: reading.message }, 'drafting waits for its server');
      return 'away';
    case 'failed':
      await queue.fail(claim, reading);
      log.warn({ document: documentId, attempt, error: reading.message }, 'a draft failed');
      return 'settled';
  }
}

async function draftSections(
  parts: DraftAttemptParts,
  { running, signal }: DraftAttempt,
  backend: Backend,
  requests: readonly ModelRequest[],
): Promise<DraftOutcome> {
  const drafts: string[] = [];
  const reporter = createProgressReporter(parts, running);
  const kept = await createSectionCache(parts, running.claim, requests.length);
  for (const [index, request] of requests.entries()) {
    running.section = index;
    const cached = kept.find(index, request);
    if (cached !== null) {
      drafts.push(cached);
      continue;
    }
    const before = drafts.reduce((sum, draft) => sum + draft.length, 0);
    let chars = 0;
    const outcome = await backend.run(request, {
      kind: 'draft',
      priority: 'background',
      preemptible: true,
      user: running.claim.owner,
      signal,
      onText(text, replace) {
        chars = replace ? text.length : chars + text.length;
        running.chars = before + chars;
        running.isWaitingAtGate = false;
        if (text !== '') reporter.progress();
      },
      onQueued: () => void (running.isWaitingAtGate = true),
      onGranted: () => void (running.isWaitingAtGate = false),
      onPreempted() {
        running.preemptions += 1;
        reporter.preempted();
      },
    });
    const reading = parseDraftOutcome(outcome);
    if (reading.kind !== 'text') return reading;
    drafts.push(reading.markdown);
    await kept.add(index, request, reading.markdown);
  }
  return { kind: 'text', markdown: drafts.join('\n\n') };
}

interface SectionCache {
  find(section: number, request: ModelRequest): string | null;
  add(section: number, request: ModelRequest, markdown: string): Promise<void>;
}

/**
 * The sections that an aborted attempt at a long memo has finished, so that no call is made twice. The last section is
 * stored with the draft itself. A section that cannot be stored is made again if this attempt does not finish.
 */
async function createSectionCache(
  { queue, faults, log }: DraftAttemptParts,
  claim: Claim,
  count: number,
): Promise<SectionCache> {
  const sections = count === 1 ? [] : await queue.sections(claim);
  const storeErrorLog = createThrottledErrorLog(log, 'a section of a draft could not be stored');
  const keyOf = ({ messages }: ModelRequest): string => sha256Of(JSON.stringify(messages));
  return {
    find(section, request) {
      const found = sections.find((one) => one.section === section);
      return found?.requestSha256 === keyOf(request) ? found.mdContent : null;
    },
    async add(section, request, mdContent) {
      if (section === count - 1) return;
      try {
        await queue.saveSection(claim, { section, requestSha256: keyOf(request), mdContent });
        storeErrorLog.recovered();
      } catch (error) {
        storeErrorLog.error(error);
      }
      faults.reach('draft.sectionKept', claim.documentId);
    },
  };
}

/** Reports progress events. An event that cannot be stored is dropped: the draft matters more. */
function createProgressReporter(
  { queue, clock, log, progressMs }: DraftAttemptParts,
  running: RunningDraft,
): { progress(): void; preempted(): void } {
  let reportedAt = clock.now();
  const storeErrorLog = createThrottledErrorLog(log, 'progress of a draft could not be stored');
  const report = (type: 'progress' | 'preempted', data: Record<string, unknown>): void => {
    queue.report(running.claim, type, data).then(
      () => storeErrorLog.recovered(),
      (error: unknown) => storeErrorLog.error(error),
    );
  };
  return {
    progress() {
      const sinceMs = clock.now() - reportedAt;
      // A clock that was set back must not suppress progress until it has caught up.
      if (sinceMs >= 0 && sinceMs < progressMs) return;
      const { chars, section, sections, claim } = running;
      const part = sections > 1 ? { section: section + 1, sections } : {};
      report('progress', { chars, memo_chars: claim.text.length, ...part });
      // Read again: the event carries the time at which it was written, and users measure from that.
      reportedAt = clock.now();
    },
    preempted: () => report('preempted', { preemptions: running.preemptions }),
  };
}
