/**
 * Reads whether a message is a plain yes or a plain no to the pending draft. Used only while a draft is pending.
 *
 * C1. A yes is a message that consists only of phrases of a closed set (consent-words.ts) and courtesies.
 * C2. Only letters, blanks, `. , ! ~ …`, a few smileys and a closed set of emoji are allowed in it. Question marks of
 *     every script, quotes, markup, strike-through and digits make it no answer: a wrong yes writes to the calendar.
 * C3. A message about the draft that is no plain answer is `unclear`: the draft is shown again.
 */
import { consentPhrases, emojiTones, phraseWordsMax, type Tone } from './consent-words.ts';
import { toHalfWidth, normalizeForRules } from '../normalize-text.ts';

export type Consent = 'confirm' | 'reject';

/** A longer text says more than yes or no. */
const consentCharsMax = 60;

/** Blanks, control and invisible characters at both ends: left behind by terminals and copied text. */
const edgeBlanks = /^[\s\p{Cc}\p{Cf}]+|[\s\p{Cc}\p{Cf}]+$/gu;
/** Skin tones, ZWJ with a gender sign, variation selectors: they do not change the meaning of an emoji. */
const emojiModifiers = /[\u{1f3fb}-\u{1f3ff}]|\u{fe0e}|\u{fe0f}|\u{200d}[♀♂]/gu;
const smileys = /(?:^|(?<=[\s\p{L}!.~]))(?::-?\)|\^_?\^)+(?=$|[\s!.~])/gu;
const allowedCharacters =
  /^[\p{Script=Latin}\p{Script=Hangul} \u00a0\u3000\t\n\r.,!~…'\ue010-\ue012]*$/u;
/** 네~~ is a drawn-out 네; ~~네~~ is struck through. */
const strike = /(?:^|[\s.,!…])~/u;

const emojiPlaceholders: Readonly<Record<string, string>> = {
  firmYes: '\ue010',
  firmNo: '\ue011',
  courtesy: '\ue012',
};
const placeholderTones = new Map(
  Object.entries(emojiPlaceholders).map(([tone, mark]) => [mark, tone as Tone]),
);

/** The message as `parsePhrases` reads it; null if a character makes it no answer (C2). */
function normalizeReply(message: string): string | null {
  const trimmed = message.toWellFormed().normalize('NFC').replace(edgeBlanks, '');
  if (trimmed.length > consentCharsMax || strike.test(trimmed)) return null;
  if (/[\ue010-\ue012]/u.test(trimmed)) return null;
  let text = toHalfWidth(trimmed).replace(emojiModifiers, '').replace(smileys, ' ');
  for (const [emoji, tone] of emojiTones)
    text = text.replaceAll(emoji, ` ${emojiPlaceholders[tone]} `);
  if (!allowedCharacters.test(text)) return null;
  return text.toLowerCase();
}

/** 응응, 네네네, ㅇㅇㅇ: a repeated word. */
const unrepeated = (word: string): string => word.replace(/^(.{1,2}?)\1+$/u, '$1');
/** 넹ㅎㅎ, 네ㅋㅋ: laughter after a word. */
const withoutLaughter = (word: string): string => word.replace(/(?<=.)[ㅋㅎㅠㅜ]+$/u, '');
/** 확인이용, 등록해줘욤: playful forms of 요. */
const withPlainEnding = (word: string): string => word.replace(/(?:용|욤|여|염)$/u, '요');
/** 네에에, 그래애: a drawn-out vowel. */
const notDrawnOut = (word: string): string => word.replace(/(?<=[가-힣])[에애어아]+$/u, '');

function classifyPhrase(words: readonly string[]): Tone | null {
  const phrase = words.join(' ');
  if (!/[ㄱ-ㅎ가-힣]/u.test(phrase)) {
    return (
      placeholderTones.get(phrase) ??
      consentPhrases.get(phrase) ??
      (words.length === 1 ? consentPhrases.get(unrepeated(phrase)) : undefined) ??
      null
    );
  }
  const bare = withoutLaughter(words.join(''));
  if (/^[ㅋㅎㅠㅜ]+$/u.test(bare)) return 'courtesy';
  const forms = [bare, unrepeated(bare), withPlainEnding(bare)];
  if (words.length === 1) forms.push(notDrawnOut(bare));
  for (const form of forms) {
    const tone = consentPhrases.get(form);
    if (tone !== undefined) return tone;
  }
  return null;
}

/** The tones of the phrases between two punctuation marks, longest match first; null if a word belongs to no phrase. */
function classifySegment(segment: string): Tone[] | null {
  const words = segment.split(' ').filter((word) => word !== '');
  const tones: Tone[] = [];
  for (let at = 0; at < words.length;) {
    let length = Math.min(phraseWordsMax, words.length - at);
    let tone: Tone | null = null;
    for (; length > 0 && tone === null; length -= 1)
      tone = classifyPhrase(words.slice(at, at + length));
    if (tone === null) return null;
    tones.push(tone);
    at += length + 1;
  }
  return tones;
}

function parsePhrases(text: string): Consent | null {
  const tones = new Set<Tone>();
  for (const segment of text.replaceAll(/\s*[\n\r.,!~…]+\s*/g, '\n').split('\n')) {
    const found = classifySegment(segment.replaceAll(/\s+/g, ' '));
    if (found === null) return null;
    for (const tone of found) tones.add(tone);
  }
  const yes = tones.has('softYes') || tones.has('firmYes');
  const no = tones.has('softNo') || tones.has('firmNo');
  // 네, 취소해주세요: here the yes only acknowledges the question.
  if (yes && no) return tones.has('firmNo') && !tones.has('firmYes') ? 'reject' : null;
  if (yes) return 'confirm';
  return no ? 'reject' : null;
}

/** Null for anything but a plain yes or a plain no. Meaningful only while a draft is pending. */
export function parseConsent(message: string): Consent | null {
  const text = normalizeReply(message);
  return text === null ? null : parsePhrases(text);
}

/** Questions about the draft, and requests to change it that do not say how. */
const aboutDraft: readonly RegExp[] = [
  /^(?:is|are|was) (?:it|this|that|these|everything|all)(?: all)? (?:right|correct|ok|okay|fine|good|confirmed|done|saved|added)(?: (?:to|for) (?:me|you|add|save|confirm|create))?$/,
  /^(?:do|should|can|could|may|must|shall) (?:i|we|you)(?: (?:confirm|approve|accept|add|save|say|answer|reply|change|edit|correct)(?: (?:it|this|that|yes|no))?)?$/,
  /^(?:are you|you) sure$/,
  /^(?:right|why not)$/,
  /^(?:please )?(?:correct|fix|change|edit|modify|update|adjust) (?:it|this|that|the (?:draft|event|appointment|entry|date|time|title|location))(?: please)?$/,
  /^(?:이게|이거|이건|그게|그거|그건|이일정|그일정|일정|다|전부)?(?:정말|진짜|다)?(?:맞나|맞나요|맞아|맞아요|맞지|맞지요|맞죠|맞는지|맞는거야|맞는건가|맞는건가요|맞습니까|맞을까|맞을까요|된거야|된건가|된건가요|됐나|됐나요|되나|되나요|될까|될까요|괜찮나|괜찮나요|괜찮을까|괜찮을까요)$/,
  /^(?:이거|이걸|그거|그걸|이대로|그대로|그렇게|이렇게)?(?:확인|등록|저장|추가|진행|확정|승인|예약)?(?:할까|할까요|하나요|하나|해도되나|해도되나요|해도될까|해도될까요|해야하나|해야하나요|해야돼|해야되나)$/,
  /^(?:이거|이걸|그거|그걸|일정|초안|내용)?(?:을|를|좀)?(?:수정|변경|정정|고쳐|바꿔)(?:해|해줘|해주세요|줘|주세요|할래|할래요|하고싶어|하고싶어요|좀|요)*$/,
];

/** About the draft but no plain answer (C3): 확인❓, > yes, ~~네~~, correct it. False for separate requests. */
export function isUnclearReply(message: string): boolean {
  if (message.length > consentCharsMax || parseConsent(message) !== null) return false;
  const letters = normalizeForRules(message.normalize('NFC'))
    .replaceAll(/[^\p{L}\p{N}']+/gu, ' ')
    .trim();
  if (letters === '') return /\p{Extended_Pictographic}|[?؟⸮⁇⁈⁉‽]/u.test(message);
  const behindYes = letters.replace(/^(?:네|응|예|yes|yeah|ok|okay) /u, '');
  const bare = /[가-힣]/u.test(behindYes) ? behindYes.replaceAll(' ', '') : behindYes;
  return parsePhrases(letters) !== null || aboutDraft.some((pattern) => pattern.test(bare));
}

const cancelWords =
  /취소|그만|관둬|중단|중지|멈춰|스톱|\b(?:cancel(?:led|ed)?|stop|abort|never ?mind|forget (?:it|about it)|call it off)\b/;

/**
 * Whether the message asks to cancel the running job: a plain no that contains a word for stopping. 등록하지 마 and 싫어
 * contain none: they answer a draft, and are ordinary chat when no draft is pending.
 */
export const isCancelRequest = (message: string): boolean =>
  parseConsent(message) === 'reject' && cancelWords.test(normalizeForRules(message));
