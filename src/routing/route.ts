/**
 * The rules that look at a message before any model does. Pure: no I/O, no clock but `now`.
 *
 * Invariants: never throws, for any string. Consent and refusal are read only while a draft waits. A keyword
 * inside another word never triggers. What is not understood to its last word goes to the classifier, and
 * so does everything that would create or change something.
 */
import {
  describeDecision,
  type Decision,
  type DecisionView,
  type ToolCall,
} from '../../machines/decision.ts';
import { localeOf } from '../../machines/texts.ts';
import { civilNow } from './civil-date.ts';
import { type ClauseSetting, createClause, splitClauses } from './clause.ts';
import { readConsent } from './consent.ts';
import { englishCalendar } from './english-calendar.ts';
import { saysWhere } from './english-frame.ts';
import { englishMail } from './english-mail.ts';
import { englishDocuments, englishStatus } from './english-rules.ts';
import type { HomeWords } from './home-words.ts';
import { koreanCalendar } from './korean-calendar.ts';
import { koreanDocuments } from './korean-documents.ts';
import { koreanMail } from './korean-mail.ts';
import { koreanStatus } from './korean-status.ts';
import { isShortEnough, rulesText } from './plain-text.ts';
import type { Clause, Rule, RuleOutcome } from './rule.ts';

/** With the words of this home: its mail folders and its model servers. */
export interface RouteOptions extends HomeWords {
  /** Epoch milliseconds. */
  now: number;
  /** IANA name. */
  timeZone: string;
  /** Whether a draft of this user waits for 확인 or 취소. */
  pendingDraft: boolean;
}

/**
 * - `confirm`, `reject`: an answer to the waiting draft
 * - `decision`: a rule decided; `decision.reason` names it
 * - `classify`: no rule; ask the classifier
 */
export type RouteResult =
  | { kind: 'confirm' | 'reject' }
  | { kind: 'decision'; decision: Decision }
  | { kind: 'classify' };

/** In this order: a clause that several could take belongs to the first. */
const koreanRules: readonly Rule[] = [koreanCalendar, koreanMail, koreanDocuments, koreanStatus];
const englishRules: readonly Rule[] = [
  englishCalendar,
  englishMail,
  englishDocuments,
  englishStatus,
];

function judge(clause: Clause): RuleOutcome | null {
  const rules = clause.words.length > 0 ? koreanRules : englishRules;
  for (const rule of rules) {
    const outcome = rule(clause);
    if (outcome !== null) return outcome;
  }
  return null;
}

/** 안녕, 고마워, please: says nothing that needs an answer of its own. */
const isCourtesy = (clause: Clause): boolean =>
  clause.words.length > 0
    ? clause.words.every((word) => word.class === 'filler')
    : /^(?:hey|hi|hello|thanks|thank you|please|ok|okay|good (?:morning|evening|afternoon)|[\s.,!?])*$/.test(
        clause.masked,
      );

/** Several requests in one message: all must be understood, else none is taken out of it. */
function judgeTogether(clauses: readonly Clause[]): RuleOutcome | null {
  const requests = clauses.filter((clause) => !isCourtesy(clause));
  const outcomes = requests.map(judge);
  const [first] = outcomes;
  if (first === undefined || outcomes.includes(null)) return null;
  if (outcomes.length === 1) return first;
  if (outcomes.every((outcome) => outcome?.kind === 'status')) return first;
  const question = outcomes.find((outcome) => outcome?.kind === 'clarify');
  if (question?.kind === 'clarify' && question.rule !== 'document') return question;
  const calls: ToolCall[] = [];
  for (const outcome of outcomes) {
    if (outcome?.kind !== 'calls') return null;
    for (const call of outcome.calls) {
      const text = JSON.stringify(call);
      if (!calls.some((other) => JSON.stringify(other) === text)) calls.push(call);
    }
  }
  return { kind: 'calls', rule: 'several', calls };
}

function judgeMessage(text: string, setting: ClauseSetting): RuleOutcome | null {
  if (saysWhere(text)) {
    const whole = judge(createClause(text, setting));
    if (whole !== null) return whole;
  }
  const clauses = splitClauses(text, setting);
  const together = clauses.length > 1 ? judgeTogether(clauses) : null;
  return together ?? judge(createClause(text, setting));
}

function decisionOf(outcome: RuleOutcome): Decision {
  const reason = `rule:${outcome.rule}`;
  switch (outcome.kind) {
    case 'calls':
      return { by: 'rule', action: 'tools', calls: outcome.calls, reason };
    case 'clarify':
      return { by: 'rule', action: 'clarify', response: outcome.response, reason };
    case 'status':
      return { by: 'rule', action: 'system_status', reason };
  }
}

/** What the rules decide about a message. Any string is fine; long ones go to the classifier unread. */
export function route(message: string, options: RouteOptions): RouteResult {
  if (!isShortEnough(message)) return { kind: 'classify' };
  if (options.pendingDraft) {
    const consent = readConsent(message);
    if (consent !== null) return { kind: consent };
  }
  const { today } = civilNow(options.now, options.timeZone);
  const setting = { today, locale: localeOf(message), home: options };
  const outcome = judgeMessage(rulesText(message), setting);
  if (outcome === null) return { kind: 'classify' };
  return { kind: 'decision', decision: decisionOf(outcome) };
}

/** What `gatehouse route` prints. */
export function describeRoute(result: RouteResult): DecisionView {
  if (result.kind === 'decision') return describeDecision(result.decision);
  if (result.kind === 'classify') return { by: 'classifier', action: 'classify' };
  return { by: 'rule', action: result.kind };
}
