/** The search words of a question: 보증 and 기간 of 보증 기간이 언제까지야, without interrogatives and stop words. */
import { cleanText } from './normalize-text.ts';
import { wordSet } from './word-lists.ts';

/** Maximum of keywords per question; each may become a separate query. */
const wordsMax = 24;

/** Interrogative words and requests, by their beginning: 얼마인가요, 언제까지야, 알려주세요. */
const interrogativePrefix =
  /^(?:뭐(?:야|지|예요|에요|였|가|를)|뭔|무엇|무슨|얼마|언제|어디|어느|누구|누가|어떻게|어떤|어때|몇|알려|말해|보여|찾아|설명해|요약해|정리해|해줘|해주|있어|있나|있는|있었|있을|없어|없나|인가|인지|되나|되는|됐|돼|했|하나요|해야|할까|맞아|맞나)/;

const stopwords = wordSet(
  `왜 뭐 좀 내 제 나 저 우리 그 이 저기 것 거 게 수 및 또 그리고 관련 관련된 관한 대한 대해 대해서 대하여 문서 문서에 문서에서
   a about an and any are as at be been by can could did do does document documents find for from had has have how i in is it
   its me my of on or our show tell that the their there they this to us was we were what when where which who whom whose why
   will with would you your please`,
);

/** The distinct keywords in their order; empty if the question has only interrogatives and stop words. */
export function extractKeywords(query: string): string[] {
  const words = cleanText(query).match(/[\p{L}\p{N}\p{M}][\p{L}\p{N}\p{M}_.-]*/gu) ?? [];
  const bare = words.map((word) => word.replace(/[._-]+$/, ''));
  const kept = bare.filter(
    (word) => !interrogativePrefix.test(word) && !stopwords.has(word.toLowerCase()),
  );
  return [...new Set(kept)].slice(0, wordsMax);
}

const sentenceEnd = /(?<=[.!?。！？…;])\s+|\n+/u;

/** The last sentence with a question mark, else the last sentence; a single sentence is returned as it is. */
export function questionSentence(query: string): string {
  const sentences = cleanText(query)
    .split(sentenceEnd)
    .map((sentence) => sentence.trim())
    .filter((sentence) => extractKeywords(sentence).length > 0);
  return sentences.findLast((sentence) => /[?？]\s*$/.test(sentence)) ?? sentences.at(-1) ?? query;
}
