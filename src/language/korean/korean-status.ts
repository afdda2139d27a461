/** Korean questions about the servers, the models and the queue. 상태 alone means the system, 배터리 상태 does not. */
import { machineNames } from '../rules/custom-vocabulary.ts';
import { createCustomDictionary, tokenizeKorean } from './korean-tokenizer.ts';
import { type Clause, type RuleOutcome, hasToken } from '../rules/rule.ts';
import { type Token, tokenTypes } from '../token-types.ts';

const outcome: RuleOutcome = { kind: 'status', rule: 'status' };

const known = tokenTypes(
  'machine state ask exist show check happen filler attribute described date',
);

const queueWords = /^(?:대기열|큐|큐가|큐는|큐에|큐도|작업|작업큐)$/;
const ownWords = /^(?:내|제|나|저|난|저희|우리)$/;
/** 좋아서, 바쁘니까, 느린데: the sentence continues with another subject. */
const connective = /(?:서|니까|지만|는데|은데|쉬고)$/;
/** 서버가 뭐야 asks for a definition. */
const meaning = /^(?:뭐|무엇|뭔)/;

function isUnderstood(word: Token): boolean {
  return (
    known.has(word.class) || word.text === '왜' || /^(?:왜이렇게|이렇게|어떻게)$/.test(word.text)
  );
}

/** 메일 서버 상태: the purpose of the server may stand before it. */
function withoutPurpose(words: readonly Token[]): Token[] {
  return words.filter(
    (word, at) =>
      !(
        words[at + 1]?.class === 'machine' &&
        ['mail', 'account'].includes(word.class) &&
        word.tail === ''
      ),
  );
}

function asksAboutQueue(words: readonly Token[]): boolean {
  const queue = words.some((word) => queueWords.test(word.text));
  const waiting = words.some(
    (word) => word.class === 'state' && /^(?:대기|처리|밀[려렸린])/.test(word.text),
  );
  // 작업 보여줘 may mean another kind of work.
  const isNamed = words.some((word) => /^(?:대기열|작업큐)$/.test(word.text));
  if (isNamed && hasToken(words, 'check', 'show')) return !hasToken(words, 'date');
  if (queue) return hasToken(words, 'ask', 'exist') && !hasToken(words, 'date');
  return waiting && words.some((word) => word.class === 'ask' && /^(?:몇|얼마)/.test(word.text));
}

export function koreanStatus(clause: Clause): RuleOutcome | null {
  const customDictionary = createCustomDictionary(machineNames(clause.vocabulary), 'machine');
  const words = withoutPurpose(tokenizeKorean(clause.masked, customDictionary));
  if (words.length === 0 || !words.every(isUnderstood)) return null;
  const machine = hasToken(words, 'machine');
  const state = words.some((word) => word.class === 'state');
  if (machine && state) return outcome;
  if (asksAboutQueue(words)) return outcome;
  const stateWord = words.findIndex((word) => word.text === '상태');
  if (stateWord >= 0) {
    const isOwnState = ownWords.test(words[stateWord - 1]?.text ?? '');
    // 상태가 안 좋아서 쉬고 싶어 is about something else.
    const isStatement =
      hasToken(words, 'described') || words.some((word) => connective.test(word.text));
    if (!isOwnState && !isStatement) return outcome;
  }
  if (!machine) return null;
  // 젬마 어때?, 젬마 뭐 하고 있어?, and the name alone.
  if (words.some((word) => /^어[때떤떠땠]/.test(word.text))) return outcome;
  const model = words.some((word) => customDictionary.has(word.text) || word.text === '추론모델');
  if (model && words.length === 1) return outcome;
  const asksMeaning = words.some((word) => meaning.test(word.text)) && !hasToken(words, 'happen');
  return model && hasToken(words, 'happen') && !asksMeaning ? outcome : null;
}
