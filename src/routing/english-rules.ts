/**
 * The rules for English clauses about documents and status; english-calendar and english-mail have theirs. Each
 * asks the shapes of english-phrases and turns their groups into parameters.
 */
import { documentEmptyShape, documentShapes, statusShapes } from './english-phrases.ts';
import { latinPattern, machineNames } from './home-words.ts';
import { questionsIn } from './questions.ts';
import type { Clause, RuleOutcome } from './rule.ts';
import { documentCall } from './tool-calls.ts';
import { dateMark, nameMark, timeMark } from './word-classes.ts';

type Groups = Record<string, string | undefined>;

/** Words that belong to the sentence, not to what is sought. */
const stopWords = new Set(
  'a an the my our any some all of me please new unread recent latest is there that this those these'.split(
    ' ',
  ),
);

const searchWords = (text: string | undefined): string =>
  (text ?? '')
    .replaceAll(new RegExp(`[${dateMark}${timeMark}"]`, 'gu'), ' ')
    .split(/\s+/)
    .filter((word) => word !== '' && !stopWords.has(word))
    .join(' ');

/** Nobody asks for a calendar in more words; it bounds what the shapes have to try. */
const sentenceWordsMax = 30;

function firstMatch(shapes: readonly RegExp[], masked: string): Groups | null {
  if (masked.split(' ').length > sentenceWordsMax) return null;
  for (const shape of shapes) {
    const match = shape.exec(masked);
    if (match !== null) return match.groups ?? {};
  }
  return null;
}

/** The masked clause without its end mark. */
const sentenceOf = (clause: Clause): string => clause.masked.replace(/[\s?.!,;:]+$/u, '');

/** Written dates stay in a query (the 2024 budget), as they stand in documents. */
export function englishDocuments(clause: Clause): RuleOutcome | null {
  const text = clause.text.replace(/[\s?.!,;:]+$/u, '');
  if (documentEmptyShape.test(text)) {
    const response = questionsIn(clause.locale).documentQuery;
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
  const names = latinPattern(machineNames(clause.home));
  const text = sentenceOf(clause);
  const named = names === null ? text : text.replace(new RegExp(names, 'gu'), nameMark);
  const matched = firstMatch(statusShapes, named) !== null;
  return matched ? { kind: 'status', rule: 'status' } : null;
}
