/** The rules for English clauses about documents and status: each tries its patterns and converts their groups. */
import { stopWords } from './english-question.ts';
import { latinPattern, machineNames } from '../rules/custom-vocabulary.ts';
import { clarifyingQuestions } from '../prompts/clarifying-questions.ts';
import { type Clause, type RuleOutcome, documentCall } from '../rules/rule.ts';
import { datePlaceholder, namePlaceholder, timePlaceholder } from '../token-types.ts';

const date = `${datePlaceholder}(?:'s)?`;

const polite =
  "(?:(?:hey|hi|hello|ok|okay|so|and|also|then|well|now|please|pls|can you|could you|would you|will you|can i|could i|i want to|i'd like to|i would like to|i need to|let me|let's|just|quickly)[,\\s]+)*";
const closing =
  '(?:[,\\s]+(?:please|pls|thanks|thank you|for me|right now|now|currently|at the moment|again|too|as well|or not|there))*';

const sentence = (body: string): RegExp => new RegExp(`^${polite}(?:${body})${closing}$`, 'u');

const documentNoun = '(?:documents?|docs?|files?)';
const documentWords = '[\\p{L}\\p{N}"\'&@._/+#-]+(?:\\s+[\\p{L}\\p{N}"\'&@._/+#-]+){0,9}?';
const documentMods = '(?:my|the|a|an|any|all|all of|our|some|that|every|of)';
const about =
  '(?:about|on|for|regarding|concerning|with|containing|called|named|titled|mentioning|related to|that mentions?|that contains?|from|of|where|which mentions?)';
const seek =
  "(?:find|search for|search|look for|look up|locate|i'm looking for|i am looking for|looking for|get|pull up|where is|where's|where are|do we have|do i have|is there)(?: me)?";

const documentShapes: readonly RegExp[] = [
  `(?:search|look|check)(?: in| through)?(?: ${documentMods})* ${documentNoun} ${about} (?<query>${documentWords})`,
  `${seek}(?: ${documentMods})* (?:(?<before>${documentWords}) )?${documentNoun} ${about}(?: ${documentMods})* (?<query>${documentWords})`,
  `${seek} (?<query>${documentWords}) in(?: ${documentMods})* ${documentNoun}`,
  `(?:find|search for|look for|look up|locate|i'm looking for|i am looking for|looking for)(?: me)?(?: ${documentMods})* (?<query>${documentWords}) ${documentNoun}`,
  `${documentNoun} ${about} (?<query>${documentWords})`,
].map(sentence);

const documentEmptyShape: RegExp = sentence(
  `(?:find|search(?: for| in| through)?|look for|look up|locate)(?: me)?(?: ${documentMods})* ${documentNoun}`,
);

const machine =
  '(?:the |your |our |my )?(?:(?:ai|inference|reasoning|big|small|local|language|chat|main|mail|model) )*(?:server|servers|system|model|models|queue|job queue|backend|backends|llm|gpu|gatehouse|NAME)'.replace(
    'NAME',
    namePlaceholder,
  );
const condition =
  '(?:busy|slow|up|down|running|alive|working|ok|okay|fine|free|idle|online|offline|stuck|responding|overloaded|available|healthy|ready|full|empty|loaded|connected|there|up and running|dead|hanging)';

const statusShapes: readonly RegExp[] = [
  `(?:is|are) ${machine}(?: (?:still|currently|really|very|so|too|all))* ${condition}(?: (?:or ${condition}|today|${date}))*`,
  `why (?:is|are) ${machine}(?: (?:so|this|very|still))* (?:busy|slow|stuck|down|offline|overloaded)(?: ${date})?`,
  `how(?:'s| is| are) ${machine}(?: (?:doing|going|holding up|running|feeling))?(?: ${date})?`,
  `how (?:busy|loaded|full|slow|long|big) (?:is|are) ${machine}(?: ${date})?`,
  `how many (?:jobs|requests|tasks|messages) (?:are |is )?(?:(?:still )?(?:waiting|queued|pending|running)|in (?:the|your) queue)(?: in (?:the|your) queue)?`,
  `(?:(?:what(?:'s|s| is)|show|show me|check|tell me|give me|get)\\s+)?(?:the |your |current )*(?:${machine} )?(?:status|health|load)(?: (?:report|check|update))?(?: of ${machine})?`,
  `what(?:'s|s| is) ${machine} (?:doing|working on)`,
  namePlaceholder,
].map(sentence);

type Groups = Record<string, string | undefined>;

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
