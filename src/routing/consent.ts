/**
 * Reads whether a message is a plain yes or a plain no to the draft that waits. Used only while a draft waits.
 *
 * C1. A yes is a message that consists of phrases of a closed set (consent-words.ts) and courtesies, nothing else.
 * C2. Only letters, blanks, `. , ! ~ …`, a few smileys and a closed set of emoji may stand in it. So question
 *     marks of every script, quotes, markup, strike-through and digits make it no answer: a wrong yes writes.
 * C3. What is about the draft but no plain answer is `unclear`: the draft is shown again.
 */
import { consentPhrases, emojiTones, phraseWordsMax, type Tone } from './consent-words.ts';
import { halfWidth, rulesText } from './plain-text.ts';

export type Consent = 'confirm' | 'reject';

/** An answer is short; a longer text says more than yes or no. */
const consentCharsMax = 60;

/** Blanks, controls and invisible characters around a message: terminals and copied texts leave them behind. */
const edges = /^[\s\p{Cc}\p{Cf}]+|[\s\p{Cc}\p{Cf}]+$/gu;
/** Skin tones; ZWJ with a gender sign; variation selectors. They say nothing of their own. */
const emojiModifiers = /[\u{1f3fb}-\u{1f3ff}]|\u{fe0e}|\u{fe0f}|\u{200d}[♀♂]/gu;
const smileys = /(?:^|(?<=[\s\p{L}!.~]))(?::-?\)|\^_?\^)+(?=$|[\s!.~])/gu;
const allowed = /^[\p{Script=Latin}\p{Script=Hangul} \u00a0\u3000\t\n\r.,!~…'\ue010-\ue012]*$/u;
/** 네~~ is drawn out; ~~네~~ is struck out. */
const strike = /(?:^|[\s.,!…])~/u;

const emojiSigns: Readonly<Record<string, string>> = {
  firmYes: '\ue010',
  firmNo: '\ue011',
  courtesy: '\ue012',
};
const signTones: Readonly<Record<string, Tone>> = {
  '\ue010': 'firmYes',
  '\ue011': 'firmNo',
  '\ue012': 'courtesy',
};

/** The message as the reader of phrases sees it; null where a character makes it no answer (C2). */
function plainAnswer(message: string): string | null {
  const trimmed = message.toWellFormed().normalize('NFC').replace(edges, '');
  if (trimmed.length > consentCharsMax || strike.test(trimmed)) return null;
  if (/[\ue010-\ue012]/u.test(trimmed)) return null;
  let text = halfWidth(trimmed).replace(emojiModifiers, '').replace(smileys, ' ');
  for (const [emoji, tone] of emojiTones) text = text.replaceAll(emoji, ` ${emojiSigns[tone]} `);
  if (!allowed.test(text)) return null;
  return text.toLowerCase();
}

/** 응응, 네네네, ㅇㅇㅇ are one word said again. */
const unrepeated = (word: string): string => word.replace(/^(.{1,2}?)\1+$/u, '$1');
/** 넹ㅎㅎ, 네ㅋㅋ: laughter behind a word. */
const withoutLaughter = (word: string): string => word.replace(/(?<=.)[ㅋㅎㅠㅜ]+$/u, '');
/** 확인이용, 등록해줘욤: playful forms of 요. */
const withPlainEnding = (word: string): string => word.replace(/(?:용|욤|여|염)$/u, '요');
/** 네에에, 그래애: drawn out. */
const notDrawnOut = (word: string): string => word.replace(/(?<=[가-힣])[에애어아]+$/u, '');

function toneOf(words: readonly string[]): Tone | null {
  const phrase = words.join(' ');
  if (!/[ㄱ-ㅎ가-힣]/u.test(phrase)) {
    return (
      signTones[phrase] ??
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

/** The phrases between two signs of punctuation, longest first; null where a word belongs to none. */
function tonesOf(segment: string): Tone[] | null {
  const words = segment.split(' ').filter((word) => word !== '');
  const tones: Tone[] = [];
  for (let at = 0; at < words.length;) {
    let length = Math.min(phraseWordsMax, words.length - at);
    let tone: Tone | null = null;
    for (; length > 0 && tone === null; length -= 1) tone = toneOf(words.slice(at, at + length));
    if (tone === null) return null;
    tones.push(tone);
    at += length + 1;
  }
  return tones;
}

function readPhrases(text: string): Consent | null {
  const tones = new Set<Tone>();
  for (const segment of text.replaceAll(/\s*[\n\r.,!~…]+\s*/g, '\n').split('\n')) {
    const found = tonesOf(segment.replaceAll(/\s+/g, ' '));
    if (found === null) return null;
    for (const tone of found) tones.add(tone);
  }
  const yes = tones.has('softYes') || tones.has('firmYes');
  const no = tones.has('softNo') || tones.has('firmNo');
  // 네, 취소해주세요: the yes says only that the question was heard.
  if (yes && no) return tones.has('firmNo') && !tones.has('firmYes') ? 'reject' : null;
  if (yes) return 'confirm';
  return no ? 'reject' : null;
}

/** Null for anything but a plain yes or a plain no. Meaningful only while a draft waits. */
export function readConsent(message: string): Consent | null {
  const text = plainAnswer(message);
  return text === null ? null : readPhrases(text);
}

/** Questions about the draft, and wishes to change it that do not say how. */
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

/**
 * Whether the message is about the draft without being a plain answer (C3): 확인❓, > yes, ~~네~~, is that correct,
 * correct it. Requests of their own (일정 추가해줘, create event) are not.
 */
export function isUnclearAnswer(message: string): boolean {
  if (message.length > consentCharsMax || readConsent(message) !== null) return false;
  const letters = rulesText(message.normalize('NFC'))
    .replaceAll(/[^\p{L}\p{N}']+/gu, ' ')
    .trim();
  if (letters === '') return /\p{Extended_Pictographic}|[?؟⸮⁇⁈⁉‽]/u.test(message);
  const behindYes = letters.replace(/^(?:네|응|예|yes|yeah|ok|okay) /u, '');
  const bare = /[가-힣]/u.test(behindYes) ? behindYes.replaceAll(' ', '') : behindYes;
  return readPhrases(letters) !== null || aboutDraft.some((pattern) => pattern.test(bare));
}

const cancelWords =
  /취소|그만|관둬|중단|중지|멈춰|스톱|\b(?:cancel(?:led|ed)?|stop|abort|never ?mind|forget (?:it|about it)|call it off)\b/;

/**
 * Whether the message asks to stop what runs: a plain refusal with a word of stopping in it. 등록하지 마 and
 * 싫어 answer a draft; without one they are ordinary chat.
 */
export const readCancel = (message: string): boolean =>
  readConsent(message) === 'reject' && cancelWords.test(rulesText(message));
