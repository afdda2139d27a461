/**
 * Words of consent and of refusal, looked at only while a draft waits. Every word of the message must be one
 * of them (or filler beside them): 확인 메일 보여줘 is no consent, 취소하지 마 no refusal. What is mixed or
 * asked (네?) is neither: a wrong yes would write into a calendar.
 */
import { rulesText } from './plain-text.ts';

export type Consent = 'confirm' | 'reject';

const split = (words: string): string[] => words.split(/\s+/).filter((word) => word !== '');

/** Agreeing by itself; beside a firm refusal (네, 취소해주세요) it only says that the question was heard. */
const softYes = new Set(
  split(`응 웅 엉 어 네 넵 넹 넴 넨 예 옙 옛 그래 그래요 오케이 오키 옼 오케 콜 ㅇ ㅇㅇ ㅇㅋ ㅇㅋㅇㅋ ok okay okey k kk yes yep
    예스 예쓰 yeah yup y ya sure alright right fine 당연하지 당연 물론 물론이지 물론이죠 맞아 맞아요 맞습니다 맞음 그럼 그럼요 암`),
);

const firmYes = new Set(
  split(`확인 확인해 확인해줘 확인해요 확인해주세요 확인이요 확인요 확인이야 확인입니다 확인합니다 확인할게 확인할게요
    확인부탁 확인부탁해 확인부탁해요 확인부탁드려요 확정 확정해 확정해줘 확정해주세요 확정이요 승인 승인해 승인해줘 승인합니다 동의 동의해
    동의합니다 수락 수락해 수락합니다 좋아 좋아요 좋습니다 좋지 좋네 좋네요 좋다 좋음 굿 굳 ㄱㄱ ㄱ 고고 진행 진행해 진행해줘 진행해요
    진행하자 진행해주세요 진행시켜 등록 등록해 등록해줘 등록해요 등록해주세요 등록하자 등록할게 저장 저장해 저장해줘 저장해주세요 추가해 추가해줘
    추가해주세요 추가하자 넣어줘 넣어주세요 잡아줘 잡아주세요 만들어줘 만들어주세요 해줘 해줘요 해주세요 해 해요 해라 하자 하세요 합시다
    부탁해 부탁해요 부탁합니다 부탁드려요 부탁드립니다 그렇게해 그렇게해줘 그렇게해주세요 그렇게하자 그대로해줘 그걸로해줘 이대로해줘
    confirm confirmed approve approved accept accepted agreed agree correct perfect great good lgtm yessir absolutely definitely
    proceed save add create`),
);

const softNo = new Set(
  split(
    `아니 아니야 아니요 아니오 아뇨 아냐 아니에요 아닙니다 아님 ㄴ ㄴㄴ ㄴㄴㄴ 노 놉 노노 노우 no nope nah n nay`,
  ),
);

const firmNo = new Set(
  split(`취소 취소해 취소해줘 취소해요 취소해주세요 취소요 취소이요 취소할게 취소할게요 취소할래 취소할래요 취소하자 취소합니다
    취소부탁 취소부탁해 취소부탁해요 취소부탁드려요 취소시켜줘 중단 중단해 중단해줘 중단해주세요 중지 중지해 중지해줘 멈춰 멈춰줘 멈춰주세요 스톱 그만 그만해 그만해줘 그만둬 그만두자 그만하자 그만할래 관둬 됐어 됐어요 됐다 됐습니다 되었어
    하지마 하지마요 하지마세요 하지말자 하지말아줘 하지말아주세요 말자 말아 말아줘 안해 안해요 안할래 안할래요 안할게 안할게요
    안합니다 싫어 싫어요 싫다 싫습니다 필요없어 필요없어요 필요없다 없던걸로 없던일로 지워 지워줘 지워주세요 삭제 삭제해
    삭제해줘 삭제해주세요 없애 없애줘 버려 버려줘 거절 거절해 거절할게 거절합니다 철회 철회해줘 무시해 무시해줘 빼줘 빼주세요 반려 폐기
    폐기해줘 등록하지마 등록하지마세요 저장하지마 넣지마 만들지마 추가하지마 진행하지마 그렇게하지마
    cancel cancelled canceled stop abort discard drop decline reject rejected delete remove forget nevermind`),
);

const fillers = new Set(
  split(`그렇게 그대로 그걸로 이대로 이걸로 그거 그건 이거 이건 이 그 일정 일정은 등록은 좀 그냥 빨리 얼른 바로 제발 아 음 오 와 잠깐 아주
    정말 참 그러면 그럼 이제 다 전부 모두 감사 감사해요 감사합니다 고마워 고마워요 ㅋ ㅋㅋ ㅋㅋㅋ ㅎ ㅎㅎ ㅎㅎㅎ ㅠ ㅠㅠ
    please pls thanks thank you it that this the to me the event draft appointment of course hey go ahead do very much
    looks sounds all for is a an now just i already`),
);

/** Phrases whose words alone would say something else, or nothing. */
const phrases: readonly [RegExp, string][] = [
  [
    /\b(?:no problem|why not|of course|go ahead|go for it|do it|do that|make it so|looks (?:good|fine|right)|sounds (?:good|great)|that(?:'s| is) (?:right|fine|correct|good)|all good|i confirm|i agree)\b/g,
    ' confirm ',
  ],
  [
    /\b(?:never mind|forget (?:it|about it)|no thanks|no thank you|not (?:now|anymore|any more)|don'?t(?: do (?:it|that)|add it|create it|save it|bother)?|do not(?: do (?:it|that))?|scrap (?:it|that)|drop (?:it|that)|leave it|i changed my mind|call it off)\b/g,
    ' cancel ',
  ],
  [/없던\s*(?:걸|일|거|것)로(?:\s*(?:해|하)[가-힣]*(?:\s+(?:줘|주세요))?)?/g, ' cancel '],
  [
    /(?:등록|저장|추가|진행|확정|예약|그렇게)\s*하지\s*(?:마|말)[가-힣]*(?:\s+(?:줘|주세요))?/g,
    ' cancel ',
  ],
  [/(?:안|못)\s+(?=할래|할게|해|합니다|해요)/g, '안'],
  [/하지\s+(?=마|말)/g, '하지'],
  [/(취소|확인|진행|등록|저장|삭제)\s+(?=해|부탁|할|하지)/g, '$1'],
  [/(해|시켜|부탁)\s+(?=줘|주세요|주라|줄래|주십시오|드려|드립)/g, '$1'],
  [/필요\s+없/g, '필요없'],
  [/그렇게\s+(?=해|하)/g, '그렇게'],
  [/(?:👍|👌|🙆|⭕|✅|🆗|💯|🙏)/gu, ' confirm '],
  [/(?:👎|❌|🙅|🚫|⛔|✖)/gu, ' cancel '],
];

/** 응응, 네네네, ㅇㅇㅇ are one word said again. */
const unrepeated = (word: string): string => word.replace(/^(.{1,2}?)\1+$/u, '$1');

type Tone = 'softYes' | 'firmYes' | 'softNo' | 'firmNo' | 'filler';

function toneOf(word: string): Tone | null {
  for (const form of [word, unrepeated(word), word.replace(/(?:용|욤|여|염|ㅇ|ㅋ+|ㅎ+)$/u, '')]) {
    if (softYes.has(form)) return 'softYes';
    if (firmYes.has(form)) return 'firmYes';
    if (softNo.has(form)) return 'softNo';
    if (firmNo.has(form)) return 'firmNo';
    if (fillers.has(form)) return 'filler';
  }
  return null;
}

/** A consent is short; a longer text says more than yes or no. */
const consentCharsMax = 60;

/** Null for anything but a plain yes or a plain no. Meaningful only while a draft waits. */
export function readConsent(message: string): Consent | null {
  let text = rulesText(message);
  if (text === '' || text.length > consentCharsMax || /[?]/.test(text)) return null;
  for (const [regex, replacement] of phrases) text = text.replace(regex, replacement);
  // What is left of an emoji (skin tone, gender, joiners) is no letter.
  const words = text.split(/[^\p{L}\p{N}']+/u).filter((word) => word !== '');
  const tones = new Set(words.map(toneOf));
  if (tones.has(null)) return null;
  const yes = tones.has('softYes') || tones.has('firmYes');
  const no = tones.has('softNo') || tones.has('firmNo');
  if (yes && no) return tones.has('firmNo') && !tones.has('firmYes') ? 'reject' : null;
  if (yes) return 'confirm';
  return no ? 'reject' : null;
}

const cancelWords =
  /취소|그만|관둬|중단|중지|멈춰|스톱|\b(?:cancel(?:led|ed)?|stop|abort|never ?mind|forget (?:it|about it)|call it off)\b/;

/**
 * Whether the message asks to stop what runs: a plain refusal with a word of stopping in it. 등록하지 마 and
 * 싫어 answer a draft; without one they are ordinary chat.
 */
export const readCancel = (message: string): boolean =>
  readConsent(message) === 'reject' && cancelWords.test(rulesText(message));
