/**
 * The rules for English clauses about documents and status; calendar and mail are in english-calendar and english-mail.
 * Each rule tries the patterns of english-phrases and converts their groups to parameters.
 */
import { documentEmptyShape, documentShapes, statusShapes } from './english-phrases.ts';
import { latinPattern, machineNames } from '../rules/custom-vocabulary.ts';
import { clarifyingQuestions } from '../prompts/clarifying-questions.ts';
import type { Clause, RuleOutcome } from '../rules/rule.ts';
import { documentCall } from '../rules/rule-tool-calls.ts';
import { datePlaceholder, namePlaceholder, timePlaceholder } from '../token-types.ts';

type Groups = Record<string, string | undefined>;

/** Stop words: not part of the search query. */
const stopWords = new Set(
  'a an the my our any some all of me please new unread recent latest is there that this those these'.split(
    ' ',
  ),
);

const searchWords = (text: string | undefined): string =>
  (text ?? '')
    .replaceAll(new RegExp(`[${datePlaceholder}${timePlaceholder}"]`, 'gu'), ' ')
    .split(/\s+/)
    .filter((word) => word !== '' && !stopWords.has(word))
    .join(' ');

/** Longer clauses are no request for a rule; also bounds the matching time. */
const sentenceWordsMax = 30;

function firstMatch(shapes: readonly RegExp[], masked: string): Groups | null {
  if (masked.split(' ').length > sentenceWordsMax) return null;
  for (const shape of shapes) {
    const match = shape.exec(masked);
    if (match !== null) return match.groups ?? {};
  }
  return null;
}

/** The masked clause without punctuation at the end. */
const sentenceOf = (clause: Clause): string => clause.masked.replace(/[\s?.!,;:]+$/u, '');

/** Dates stay in the query (the 2024 budget), because documents contain them. */
export function englishDocuments(clause: Clause): RuleOutcome | null {
  const text = clause.text.replace(/[\s?.!,;:]+$/u, '');
  if (documentEmptyShape.test(text)) {
    const response = clarifyingQuestions(clause.locale).documentQuery;
    return { kind: 'clarify', rule: 'document', response };
  }
  const groups = firstMatch(documentShapes, text);
  if (groups === null) return null;
  const query = [searchWords(groups['before']), searchWords(groups['query'])]
    .filter((part) => part !== '')
    .join(' ');
  if (query === '' || /^(?:it|them|one|this|that)$/.test(query)) return null;
  return { kind: 'calls', rule: 'document', calls: [documentCall(query)] };
}

export function englishStatus(clause: Clause): RuleOutcome | null {
  const names = latinPattern(machineNames(clause.vocabulary));
  const text = sentenceOf(clause);
  const named = names === null ? text : text.replace(new RegExp(names, 'gu'), namePlaceholder);
  const matched = firstMatch(statusShapes, named) !== null;
  return matched ? { kind: 'status', rule: 'status' } : null;
}
