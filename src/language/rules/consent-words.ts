/** The closed set of phrases that answer a draft, Korean without blanks. A phrase outside the set is no answer. */
import { words as split } from '../word-lists.ts';

export type Tone = 'softYes' | 'firmYes' | 'softNo' | 'firmNo' | 'courtesy';

/** Every combination of one item of each list. */
const combine = (lists: readonly (readonly string[])[], blank: string): string[] =>
  lists.reduce<string[]>(
    (starts, list) => starts.flatMap((start) => list.map((end) => `${start}${blank}${end}`.trim())),
    [''],
  );
const joined = (...lists: readonly (readonly string[])[]): string[] => combine(lists, '');
const joinedWords = (...lists: readonly (readonly string[])[]): string[] => combine(lists, ' ');
const phrases = (text: string): string[] => text.split(/,\s*/);

/** Polite and casual endings of 확인, 등록, 취소 and similar nouns. None of them asks a question. */
const nounEndings = [
  '',
  ...split(`해 해줘 해줘요 해주세요 해주라 해주십시오 해요 해라 합니다 하자 합시다 할게 할게요 할래 할래요 하겠습니다 하세요 하십시오
    하시죠 시켜줘 시켜주세요 부탁 부탁해 부탁해요 부탁합니다 부탁드려요 부탁드립니다 부탁드릴게요 부탁드리겠습니다 바랍니다 바라요
    요 이요 이야 입니다 이에요 해도돼 해도돼요 해도됩니다 해도좋아 해도좋아요 해도좋습니다`),
];

/** 확인할게 and 확인하자 only announce that the user will look: after 확인, only endings that request or state count. */
const confirmEndings = nounEndings.filter(
  (ending) => !/^(?:하자|합시다|할게|할게요|할래|할래요|하겠습니다|하시죠|해라|해도)/u.test(ending),
);

/** Words that refer to the draft itself. With a noun (일정 추가해줘) it would be a separate request. */
const pointing = ['', ...split('그대로 이대로 그렇게 이렇게 그걸로 이걸로')];
const pointingAtThing = [
  ...pointing,
  ...split(
    `이거 이걸 그거 그걸 이일정 그일정 위일정 이약속 그약속 이일정으로 그일정으로 이내용으로 이내용대로`,
  ),
];

const verbs =
  split(`해 해줘 해줘요 해주세요 해주라 해주십시오 해요 해라 하자 합시다 하세요 하시죠 해도돼 해도돼요 해도됩니다 해도좋아 부탁
  부탁해 부탁해요 부탁합니다 부탁드려요 부탁드립니다 가자 넣어 넣어줘 넣어주세요 잡아줘 잡아주세요 만들어줘 만들어주세요 올려줘
  올려주세요 적어줘 적어주세요`);

const koreanSoftYes =
  split(`응 웅 엉 어 네 넵 넹 넴 넨 네엡 녜 예 옙 옛 그래 그래요 그러자 그러죠 그러세요 그럽시다 오케이 오케 오키
  오키도키 옼 콜 ㅇ ㅇㅇ ㅇㅋ 예스 예쓰 당연 당연하지 당연하죠 당연히 물론 물론이지 물론이죠 물론이에요 그럼요 그렇습니다 맞아 맞아요
  맞습니다 맞음 맞네 맞네요`);

const koreanFirmYes = [
  ...joined(pointing, ['확인'], confirmEndings),
  ...joined(pointingAtThing, split('확정 승인 동의 수락 진행 등록 저장 추가 예약'), nounEndings),
  ...joined(pointingAtThing, verbs),
  ...split(
    `좋아 좋아요 좋습니다 좋다 좋음 좋네 좋네요 딱좋아 딱좋아요 굿 굳 완벽 완벽해 완벽해요 완벽합니다 고 고고 ㄱ ㄱㄱ`,
  ),
];

const koreanSoftNo = split(
  '아니 아니야 아니요 아니오 아뇨 아냐 아녀 아니에요 아닙니다 아님 ㄴ ㄴㄴ 노 놉 노우',
);

const doNot = split(
  '하지마 하지마요 하지마라 하지마세요 하지말자 하지말아 하지말아요 하지말아줘 하지말아주세요',
);

const koreanFirmNo = [
  ...joined(
    [...pointingAtThing, ...split('일정 약속 등록 예약 초안')],
    split('취소 중단 중지 거절 철회 반려 폐기 삭제 무시'),
    nounEndings,
  ),
  ...joined(['', ...split('등록 저장 추가 진행 확정 예약 승인 그렇게 그거 이거')], doNot),
  ...joined(
    split('안 등록안 저장안 추가안 진행안 못'),
    split('해 해요 할래 할래요 할게 할게요 합니다'),
  ),
  ...joined(split('없던걸로 없던일로 없던거로 없던것으로'), [
    '',
    ...split('해 해줘 해주세요 하자 할게 할게요'),
  ]),
  ...joined(pointingAtThing, split('지워 지워줘 지워주세요 없애 없애줘 버려 버려줘 빼줘 빼주세요')),
  ...split(`이제그만 이제됐어 이제됐어요 멈춰 멈춰줘 멈춰주세요 스톱 그만 그만해 그만해줘 그만둬 그만두자 그만하자 그만할래 관둬 됐어 됐어요 됐다 됐습니다 되었어
    말자 말아 말아줘 싫어 싫어요 싫다 싫습니다 필요없어 필요없어요 필요없다 필요없습니다 넣지마 만들지마 잡지마`),
];

const koreanCourtesy =
  split(`감사 감사해요 감사합니다 감사드려요 감사드립니다 고마워 고마워요 고맙습니다 수고 수고해 수고해요 수고하세요
  수고했어 수고하셨습니다 아 오 와 음 자 그냥 바로 얼른 빨리 어서 제발
  그럼 그러면 전부 모두`);

const englishSoftYes = [
  ...split(`yes yep yeah yup yea ya y aye ok okay okey okie k kk sure alright fine indeed`),
  ...phrases('of course, no problem, sure thing, you bet, all right'),
];

const it = ['it', 'this', 'that'];

const pleasing = split('good great fine right correct perfect ok okay');

const englishFirmYes = [
  ...split(`confirm confirmed approve approved accept accepted agreed agree proceed save add create book correct perfect
    great good excellent absolutely definitely certainly lgtm yessir go`),
  ...joinedWords(split('confirm approve accept save add create book schedule register'), it),
  ...joinedWords(
    split('save add put'),
    it,
    ['to', 'in', 'into', 'on'],
    ['my', 'the'],
    ['calendar'],
  ),
  ...joinedWords(['confirm', 'approve', 'accept'], ['the'], split('draft event appointment entry')),
  ...joinedWords(split('looks sounds seems'), pleasing, ['', 'to me']),
  ...joinedWords(it, split('looks sounds seems'), pleasing, ['', 'to me']),
  ...joinedWords(['that is', "that's", 'thats', 'it is', "it's", 'this is'], pleasing),
  ...joinedWords(split('fine good ok okay'), split('by with for'), ['me']),
  ...joinedWords(['i'], split('confirm agree approve accept do')),
  ...joinedWords(['do'], it),
  ...phrases(
    'just do it, go ahead, go for it, please do, make it so, all good, very good, very well',
  ),
  ...phrases('works for me, that works'),
];

const englishSoftNo = split('no nope nah n nay');

const englishFirmNo = [
  ...split(
    `cancel cancelled canceled stop abort discard drop decline reject rejected delete remove nevermind don't dont`,
  ),
  ...joinedWords(
    split('cancel stop discard drop decline reject delete remove scrap leave forget'),
    [...it, ...phrases('it all, the draft, the event, the appointment')],
  ),
  ...joinedWords(["don't", 'dont', 'do not'], split('do add create save book confirm'), [
    '',
    ...it,
  ]),
  ...phrases("just cancel, just stop, cancel now, stop now, don't bother, do not, never mind"),
  ...phrases('forget about it, no thanks, no thank you, not now, not anymore, not any more'),
  ...phrases('i changed my mind, call it off'),
];

const englishCourtesy = [
  ...split(`please pls plz thanks thx ty cheers oh ah`),
  ...phrases('thank you, thanks a lot, thank you very much, thank you so much, many thanks'),
];

const tones: readonly [Tone, readonly string[]][] = [
  ['courtesy', [...koreanCourtesy, ...englishCourtesy]],
  ['softYes', [...koreanSoftYes, ...englishSoftYes]],
  ['firmYes', [...koreanFirmYes, ...englishFirmYes]],
  ['softNo', [...koreanSoftNo, ...englishSoftNo]],
  ['firmNo', [...koreanFirmNo, ...englishFirmNo]],
];

/** Phrase to tone; if a phrase is in two lists, the later, more cautious list wins. */
export const consentPhrases: ReadonlyMap<string, Tone> = new Map(
  tones.flatMap(([tone, phrases]) => phrases.map((phrase) => [phrase, tone] as const)),
);

/** Words in the longest phrase: `thank you very much`, 이 내용 으로 등록 해 주세요. */
export const phraseWordsMax = 6;

/** Skin tones, gender signs and variation selectors are removed before the lookup. */
export const emojiTones: ReadonlyMap<string, Tone> = new Map([
  ...split('👍 👌 🙆 ⭕ ✅ 🆗 💯 ✔ ☑').map((emoji) => [emoji, 'firmYes'] as const),
  ...split('👎 ❌ 🙅 🚫 ⛔ ✖').map((emoji) => [emoji, 'firmNo'] as const),
  ...split('🙏 😊 🙂 😀 😃 😄 😁 ☺ 😍 🥰 😉 ❤ 💕 💙 🎉 👏 ✨ 🔥 🙌').map(
    (emoji) => [emoji, 'courtesy'] as const,
  ),
]);
