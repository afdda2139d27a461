/**
 * One attempt at one memo: asks the model behind its gate as background work that people may push out, tells
 * of the progress, and has the end written. It must never hold a transaction while the model works.
 */
import type { DraftResult } from '../../machines/draft.ts';
import type { Backend, ModelRequest } from '../contract/model.ts';
import type { Clock } from '../lib/clock.ts';
import type { Faults } from '../lib/faults.ts';
import { createLastingFault } from '../lib/lasting-fault.ts';
import type { Log } from '../lib/log.ts';
import { readDraft, type DraftReading } from './draft-answer.ts';
import type { Claim, DraftClaims, GiveBackReason } from './draft-claims.ts';
import { draftRequests, sectionsMax } from './draft-prompt.ts';
import { sha256Of } from './draft-versions.ts';

/** What can be seen of a running attempt. */
export interface RunningDraft {
  claim: Claim;
  /** Epoch ms. */
  since: number;
  /** Of the draft so far, in UTF-16 units. */
  chars: number;
  /** Sections that are done, and how many there are. */
  section: number;
  sections: number;
  preemptions: number;
  /** It waits at the gate. */
  waits: boolean;
}

export interface DraftRunParts {
  /** Looked up for each attempt. */
  backend: () => Backend;
  claims: DraftClaims;
  clock: Clock;
  log: Log;
  faults: Faults;
  /** At most one progress event in this time. */
  progressMs: number;
}

export interface DraftOrder {
  running: RunningDraft;
  signal: AbortSignal;
  /** Why it is given back when the signal has aborted. */
  whyBrokenOff: () => GiveBackReason;
}

/**
 * Resolves when the end of the attempt is on disk.
 * @throws GH_STORE_UNAVAILABLE when it could not be written: the claim stays, for `recover`.
 */
export async function runDraft(parts: DraftRunParts, order: DraftOrder): Promise<DraftResult> {
  const { claims, log, faults } = parts;
  const { claim } = order.running;
  faults.hit('draft.claimed', claim.documentId);
  const requests = draftRequests(claim.text);
  if (requests === null) {
    const message = `the memo has more than ${sectionsMax} sections`;
    claims.fail(claim, { code: 'GH_DRAFT_TOO_LONG', message, errorReason: null });
    return 'settled';
  }
  order.running.sections = requests.length;
  const backend = parts.backend();
  const { documentId, attempt } = claim;
  const reading = await draftSections(parts, order, backend, requests);
  faults.hit('draft.answered', documentId);
  switch (reading.kind) {
    case 'text':
      claims.finish(claim, reading.markdown, backend.id);
      faults.hit('draft.written', documentId);
      log.info({ document: documentId, attempt, backend: backend.id }, 'drafted');
      return 'settled';
    case 'broken-off':
      claims.giveBack(claim, order.whyBrokenOff());
      return 'settled';
    case 'away':
      claims.giveBack(claim, 'backend_away', reading.errorReason);
      log.warn({ document: documentId, error: reading.message }, 'drafting waits for its server');
      return 'away';
    case 'failed':
      claims.fail(claim, reading);
      log.warn({ document: documentId, attempt, error: reading.message }, 'a draft failed');
      return 'settled';
  }
}

async function draftSections(
  parts: DraftRunParts,
  { running, signal }: DraftOrder,
  backend: Backend,
  requests: readonly ModelRequest[],
): Promise<DraftReading> {
  const drafts: string[] = [];
  const reporter = createReporter(parts, running);
  const kept = keptSections(parts, running.claim, requests.length);
  for (const [index, request] of requests.entries()) {
    running.section = index;
    const made = kept.find(index, request);
    if (made !== null) {
      drafts.push(made);
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
        running.waits = false;
        if (text !== '') reporter.progress();
      },
      onQueued: () => void (running.waits = true),
      onGranted: () => void (running.waits = false),
      onPreempted() {
        running.preemptions += 1;
        reporter.preempted();
      },
    });
    const reading = readDraft(outcome);
    if (reading.kind !== 'text') return reading;
    drafts.push(reading.markdown);
    kept.add(index, request, reading.markdown);
  }
  return { kind: 'text', markdown: drafts.join('\n\n') };
}

interface KeptSections {
  find(section: number, request: ModelRequest): string | null;
  add(section: number, request: ModelRequest, markdown: string): void;
}

/**
 * What a broken off attempt at a long memo has left, so that no call is made twice. The last section is written
 * with the draft itself. One that cannot be stored is made again should this attempt not come to its end.
 */
function keptSections(
  { claims, faults, log }: DraftRunParts,
  claim: Claim,
  count: number,
): KeptSections {
  const sections = count === 1 ? [] : claims.sections(claim);
  const fault = createLastingFault(log, 'a section of a draft could not be stored');
  const keyOf = ({ messages }: ModelRequest): string => sha256Of(JSON.stringify(messages));
  return {
    find(section, request) {
      const found = sections.find((one) => one.section === section);
      return found?.requestSha256 === keyOf(request) ? found.mdContent : null;
    },
    add(section, request, mdContent) {
      if (section === count - 1) return;
      try {
        claims.keepSection(claim, { section, requestSha256: keyOf(request), mdContent });
        fault.worked();
      } catch (error) {
        fault.failed(error);
      }
      faults.hit('draft.sectionKept', claim.documentId);
    },
  };
}

/** Events on the way. One that cannot be stored is left out: the draft matters more. */
function createReporter(
  { claims, clock, log, progressMs }: DraftRunParts,
  running: RunningDraft,
): { progress(): void; preempted(): void } {
  let toldAt = clock.now();
  const fault = createLastingFault(log, 'progress of a draft could not be stored');
  const report = (type: 'progress' | 'preempted', data: Record<string, unknown>): void => {
    try {
      claims.report(running.claim, type, data);
      fault.worked();
    } catch (error) {
      fault.failed(error);
    }
  };
  return {
    progress() {
      const sinceMs = clock.now() - toldAt;
      // A clock that was set back must not silence a draft until it has caught up.
      if (sinceMs >= 0 && sinceMs < progressMs) return;
      const { chars, section, sections, claim } = running;
      const part = sections > 1 ? { section: section + 1, sections } : {};
      report('progress', { chars, memo_chars: claim.text.length, ...part });
      // Read again: the event carries the time at which it was written, which is what people count by.
      toldAt = clock.now();
    },
    preempted: () => report('preempted', { preemptions: running.preemptions }),
  };
}
