/**
 * The rules that judge a message before any model does. Pure: no I/O, no clock but `now`.
 *
 * Invariants: never throws, for any string. Consent and refusal are read only while a draft is pending. A keyword
 * inside another word never triggers. A message that is not completely understood goes to the classifier, and so does
 * every request to create or change something.
 */
import {
  describeDecision,
  type Decision,
  type DecisionView,
  type ToolCall,
} from '#machines/decision';
import { localeOf } from '#machines/texts';
import { civilNow, type LocalNow } from '#shared/calendar/civil-date';
import { type ClauseContext, createClause, splitClauses } from './clause.ts';
import { parseConsent } from './consent.ts';
import { englishCalendar } from '../english/english-calendar.ts';
import { namesLookupTarget } from '../english/english-question.ts';
import { englishMail } from '../english/english-mail.ts';
import { englishDocuments, englishStatus } from '../english/english-rules.ts';
import type { CustomVocabulary } from './custom-vocabulary.ts';
import { koreanCalendar } from '../korean/korean-calendar.ts';
import { koreanDocuments } from '../korean/korean-documents.ts';
import { koreanMail } from '../korean/korean-mail.ts';
import { koreanStatus } from '../korean/korean-status.ts';
import { memoryOutcome } from '../memory/read-memory-request.ts';
import { isShortEnough, normalizeForRules } from '../normalize-text.ts';
import type { AskedMessage } from '../schedules/answered-question.ts';
import { answerOutcome, scheduleOutcome } from '../schedules/schedule-outcome.ts';
import type { Clause, Rule, RuleOutcome } from './rule.ts';

/** Includes the configured words for mail folders and model servers. */
export interface RouteOptions extends CustomVocabulary, LocalNow {
  /** False for a tool that is not configured. Default: all are. */
  isConfigured?: (tool: string) => boolean;
  /** Whether a draft of this user is waiting for 확인 or 취소. */
  pendingDraft: boolean;
  /** Whether reminders can be set in chat. Default: no, and no rule reads such a request. */
  schedules?: boolean;
  /** Whether facts can be told and forgotten in chat. Likewise. */
  memory?: boolean;
}

/**
 * - `confirm`, `reject`: an answer to the pending draft
 * - `decision`: a rule decided; `decision.reason` names it
 * - `classify`: no rule matched; ask the classifier
 */
export type RouteResult =
  | { kind: 'confirm' | 'reject' }
  | { kind: 'decision'; decision: Decision }
  | { kind: 'classify' };

/** In order of precedence: the first rule that accepts a clause wins. */
const koreanRules: readonly Rule[] = [koreanCalendar, koreanMail, koreanDocuments, koreanStatus];
const englishRules: readonly Rule[] = [
  englishCalendar,
  englishMail,
  englishDocuments,
  englishStatus,
];

function matchRules(clause: Clause): RuleOutcome | null {
  const rules = clause.words.length > 0 ? koreanRules : englishRules;
  for (const rule of rules) {
    const outcome = rule(clause);
    if (outcome !== null) return outcome;
  }
  return null;
}

/** 안녕, 고마워, please: needs no answer of its own. */
const isCourtesy = (clause: Clause): boolean =>
  clause.words.length > 0
    ? clause.words.every((word) => word.class === 'filler')
    : /^(?:hey|hi|hello|thanks|thank you|please|ok|okay|good (?:morning|evening|afternoon)|[\s.,!?])*$/.test(
        clause.masked,
      );

/** Several requests in one message: the rules must understand all of them, else they take none. */
function matchRulesForAll(clauses: readonly Clause[]): RuleOutcome | null {
  const requests = clauses.filter((clause) => !isCourtesy(clause));
  const outcomes = requests.map(matchRules);
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

function matchRulesForMessage(text: string, context: ClauseContext): RuleOutcome | null {
  if (namesLookupTarget(text)) {
    const whole = matchRules(createClause(text, context));
    if (whole !== null) return whole;
  }
  const clauses = splitClauses(text, context);
  const together = clauses.length > 1 ? matchRulesForAll(clauses) : null;
  return together ?? matchRules(createClause(text, context));
}

/** The tools of the rules that ask back. */
const toolOfRule: Readonly<Record<string, string>> = {
  calendar: 'calendar',
  mail: 'email',
  document: 'document',
};

function toDecision(
  outcome: RuleOutcome,
  isConfigured: (tool: string) => boolean = () => true,
): Decision {
  const reason = `rule:${outcome.rule}`;
  const tool = toolOfRule[outcome.rule];
  if (outcome.kind === 'clarify' && tool !== undefined && !isConfigured(tool)) {
    // Nothing is asked back for a tool that is not configured: the tool registry answers its call.
    const calls = [{ tool, operation: 'search', params: {} }];
    return { by: 'rule', action: 'tools', calls, reason };
  }
  switch (outcome.kind) {
    case 'calls':
      return { by: 'rule', action: 'tools', calls: outcome.calls, reason };
    case 'clarify':
      return {
        by: 'rule',
        action: 'clarify',
        response: outcome.response,
        reason,
        ...(outcome.about === undefined ? {} : { calls: outcome.about }),
      };
    case 'status':
      return { by: 'rule', action: 'system_status', reason };
  }
}

/** The decision of the rules about a message. Accepts any string; long ones go to the classifier unread. */
export function route(message: string, options: RouteOptions): RouteResult {
  if (!isShortEnough(message)) return { kind: 'classify' };
  if (options.pendingDraft) {
    const consent = parseConsent(message);
    if (consent !== null) return { kind: consent };
  }
  const fact = options.memory === true ? memoryOutcome(message) : null;
  if (fact !== null) return { kind: 'decision', decision: toDecision(fact) };
  const reminder =
    options.schedules === true ? scheduleOutcome(message, options, options.pendingDraft) : null;
  if (reminder !== null) return { kind: 'decision', decision: toDecision(reminder) };
  const { today } = civilNow(options.now, options.timeZone);
  const context = { today, locale: localeOf(message), vocabulary: options };
  const outcome = matchRulesForMessage(normalizeForRules(message), context);
  if (outcome === null) return { kind: 'classify' };
  return { kind: 'decision', decision: toDecision(outcome, options.isConfigured) };
}

/** The decision about a message that answers a question about a reminder; null: it does not. */
export function routeAnswer(
  message: string,
  asked: readonly AskedMessage[],
  context: LocalNow,
): Decision | null {
  const outcome = answerOutcome(message, asked, context);
  return outcome === null ? null : toDecision(outcome);
}

/** The output of `gatehouse route`. */
export function describeRoute(result: RouteResult): DecisionView {
  if (result.kind === 'decision') return describeDecision(result.decision);
  if (result.kind === 'classify') return { by: 'classifier', action: 'classify' };
  return { by: 'rule', action: result.kind };
}
