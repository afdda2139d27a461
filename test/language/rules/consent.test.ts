/** Which messages answer a waiting draft. A wrong yes writes into a user's calendar. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUnclearReply, parseConsent } from '#language/rules/consent';

const listed = (text: string): string[] => text.split(/[|\n]/).filter((item) => item !== '');

const yes =
  listed(`확인|네|예|응|넵|네네|응응|ㅇㅇ|그래|좋아요|맞습니다|등록해줘|등록해 주세요|저장 해줘|그대로 등록해줘|이 일정 등록해 주세요|그렇게 해줘|이대로 진행해 주세요|해주세요|부탁드려요|확인 부탁드립니다|당연하죠|콜|
오케이|yes|yep|ok|okay|sure|confirm|confirmed|approve|do it|add it|save it|go ahead|looks good|sounds good to me|
that's right|it looks fine|all good|works for me|lgtm|of course|👍|👍🏽|🙆‍♀️|✅`);
const no =
  listed(`취소|취소해줘|아니|아니요|ㄴㄴ|됐어|하지 마|안 할래|등록하지 마|없던 걸로 해줘|그거 취소해줘|네, 취소해주세요|no|nope|cancel|cancel it|don't|don't add it|never mind|
no thanks|forget it|not now|❌|🙅‍♂️`);
const courtesies = [
  '',
  ' 감사합니다',
  ' 고마워요',
  ' please',
  ' thanks',
  ' thank you',
  '!',
  '~',
  '...',
  ' ㅎㅎ',
  ' ^^',
  ' :)',
  ' 🙏',
  ' 😊',
];

/** Fixed seed, so that a failure is reproducible. */
const runs = { numRuns: 1_000, seed: 20_261_201 };

describe('a plain answer to a draft', () => {
  test.each(yes)('confirms the draft: %s', (message) => {
    expect(parseConsent(message)).toBe('confirm');
  });
  test.each(no)('refuses the draft: %s', (message) => {
    expect(parseConsent(message)).toBe('reject');
  });

  test('still confirms in NFD, in upper case, or with blanks, invisible characters and line breaks around it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...yes),
        fc.constantFrom(
          (text: string) => text.normalize('NFD'),
          (text: string) => text.toUpperCase(),
          (text: string) => ` ${text} `,
          (text: string) => `\n${text}\r\n`,
          (text: string) => `\u200b${text}\ufeff`,
        ),
        fc.constantFrom(...courtesies),
        (answer, form, courtesy) => {
          expect(parseConsent(form(answer + courtesy))).toBe('confirm');
        },
      ),
      runs,
    );
  });

  test('may have several phrases; a yes that opens a refusal is a refusal, and a contradiction is no answer', () => {
    expect(parseConsent('네, 좋아요. 등록해 주세요!')).toBe('confirm');
    expect(parseConsent('yes, go ahead, thanks')).toBe('confirm');
    expect(parseConsent('네 취소해 주세요')).toBe('reject');
    expect(parseConsent('응 아니')).toBeNull();
    expect(parseConsent('no, save it')).toBeNull();
    expect(parseConsent('감사합니다')).toBeNull();
    expect(parseConsent('🙏')).toBeNull();
  });
});

/** Each form changes the meaning of a yes. 1,000 messages per form: 12,000 in all. */
const forms: readonly [string, fc.Arbitrary<(text: string) => string>][] = [
  [
    'ends in a question mark of some script',
    fc
      .constantFrom(
        '?',
        '？',
        '❓',
        '❔',
        '⁉',
        '⁉️',
        '⁇',
        '⁈',
        '‽',
        '؟',
        '՞',
        '፧',
        '⸮',
        '¿',
        ';',
        '🤔',
        '🧐',
        '🤷',
        '?!',
        '!?',
        ' ?',
      )
      .map((mark) => (text: string) => text + mark),
  ],
  [
    'begins with a question mark',
    fc.constantFrom('?', '¿', '❓', '🤔 ').map((mark) => (text: string) => mark + text),
  ],
  [
    'ends in a question without a mark',
    fc
      .constantFrom(
        ' 맞나',
        ' 맞아요 아니에요',
        ' 할까',
        ' 할까요',
        ' 해도 되나',
        ' 인가',
        ' 인가요',
        ' right',
        ' or not',
        ' isnt it',
        ' is that ok',
        ' huh',
        ' correct me',
      )
      .map((end) => (text: string) => text + end),
  ],
  [
    'is asked by its first words',
    fc
      .constantFrom(
        'is it ',
        'is that ',
        'can i ',
        'can you ',
        'should i ',
        'do i ',
        'do you ',
        'why ',
        'what if ',
        'how do i ',
        '왜 ',
        '어떻게 ',
        '언제 ',
        '혹시 ',
      )
      .map((start) => (text: string) => start + text),
  ],
  [
    'is quoted',
    fc
      .constantFrom(
        ['"', '"'],
        ["'", "'"],
        ['“', '”'],
        ['「', '」'],
        ['『', '』'],
        ['«', '»'],
        ['`', '`'],
        ['> ', ''],
        ['>', ''],
        ['| ', ''],
        ['```', '```'],
      )
      .map(
        ([a, b]) =>
          (text: string) =>
            `${a}${text}${b}`,
      ),
  ],
  [
    'is struck out or marked up',
    fc
      .constantFrom(
        ['~~', '~~'],
        ['~', '~'],
        ['<del>', '</del>'],
        ['<s>', '</s>'],
        ['<b>', '</b>'],
        ['**', '**'],
        ['[', ']'],
        ['(', ')'],
        ['<!--', '-->'],
        ['/* ', ' */'],
        ['# ', ''],
        ['- ', ''],
      )
      .map(
        ([a, b]) =>
          (text: string) =>
            `${a}${text}${b}`,
      ),
  ],
  [
    'has every letter struck through',
    fc
      .constantFrom('\u0336', '\u0335', '\u0338')
      .map(
        (mark) => (text: string) =>
          Array.from(text.normalize('NFC'), (letter) => letter + mark).join(''),
      ),
  ],
  [
    'is negated',
    fc
      .constantFrom('not ', 'never ', 'do not say ', "i can't say ", '절대 ', '아직 ', '아무도 ')
      .map((start) => (text: string) => start + text),
  ],
  [
    'has a condition or a correction behind it',
    fc
      .constantFrom(
        ' but at 4',
        ' 근데 4시로',
        ' but tomorrow',
        ' if possible',
        ' later',
        ' 나중에',
        ' 대신 내일',
        ', 장소는 강남역',
        ' except the title',
        ' 그리고 하나 더',
        ' 3시',
        ' and call mom',
      )
      .map((end) => (text: string) => text + end),
  ],
  [
    'stands in a longer text',
    fc
      .constantFrom('그 사람이 ', 'she said ', '메일에 ', '어제 ', 'the word ', '제목은 ')
      .map((start) => (text: string) => `${start}${text} 라고 했어`),
  ],
  [
    'hides a character within',
    fc
      .constantFrom('\u200b', '\u200e', '\u202e', '\u2066', '\u00ad', '\ufeff', '\u0000')
      .map((mark) => (text: string) => `${text.slice(0, 1)}${mark}${text.slice(1)} 네`),
  ],
  [
    'is followed by a link or a number',
    fc
      .constantFrom(' https://example.com', ' 1', ' #3', ' @ann', ' 010-1234', ' $5')
      .map((end) => (text: string) => text + end),
  ],
];

describe('a message that is no plain answer', () => {
  test.each(forms)('does not confirm the draft if it is a yes that %s', (_name, form) => {
    fc.assert(
      fc.property(
        fc.constantFrom(...yes),
        form,
        fc.constantFrom(...courtesies),
        (answer, change, courtesy) => {
          expect(parseConsent(change(answer) + courtesy)).not.toBe('confirm');
          expect(parseConsent(change(answer + courtesy))).not.toBe('confirm');
        },
      ),
      runs,
    );
  });

  test.each(
    listed(`is that correct|is this right|is it confirmed|is everything ok|do i confirm|do i say yes|can i|can you confirm|
should i confirm it|are you sure|right|correct it|correct the event|correct this please|change it|edit the title|
create event|create an event|add an event|add another one|save the document|book a table|confirm the booking with kim|
이게 맞나|맞아?|맞지|이거 맞아|이대로 등록할까|등록해도 되나요|확인할게|확인했어|확인 방법|수정해줘|고쳐줘|바꿔줘|일정 추가해줘|회의 등록해줘|하나 더 추가해줘|내일 일정 등록해줘|일정 확인해줘|메일 확인해줘|
좋은 아침|네이버|예를 들어줘|응급실|좋아하는 거|확인 안 해|확인은 나중에|네 아니요|y/n|yes/no|yes or no|ok google|okay but|sure?|확인인가`),
  )('does not confirm the draft: %s', (message) => {
    expect(parseConsent(message)).not.toBe('confirm');
  });

  test('does not confirm the draft if it has other words around a yes (10,000 random messages)', () => {
    const other = fc.constantFrom(
      '회의',
      '4시',
      'tomorrow',
      'maybe',
      '혹시',
      'kim',
      '바꿔',
      'what',
      '?',
      '"',
      '…네가',
      'event',
      '일정',
      'because',
      '안',
    );
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...yes), { maxLength: 3 }),
        other,
        fc.array(fc.constantFrom(...yes), { maxLength: 3 }),
        (before, word, after) => {
          expect(parseConsent([...before, word, ...after].join(' '))).not.toBe('confirm');
        },
      ),
      { ...runs, numRuns: 10_000 },
    );
  });
});

describe('an unclear answer to a draft', () => {
  test.each(
    listed(`확인❓|yes❓|> 확인|~~네~~|<del>확인</del>|"확인"|취소?|🤔|?|is that correct|do i confirm|can i|이게 맞나|네 맞나|correct it|
please change it|수정해줘|이대로 등록할까요|등록해도 되나요|are you sure|right`),
  )('is recognized, so that the draft is shown again: %s', (message) => {
    expect(isUnclearReply(message)).toBe(true);
  });

  test.each(
    listed(`확인|취소|일정 추가해줘|create event|add an event|오늘 일정 알려줘|안녕|what is the weather|is it going to rain tomorrow|
can you write a poem|4시로 바꿔줘|파이썬 코드 수정해줘|fix my code||확인 방법 알려줘`),
  )('is not recognized in another message: %s', (message) => {
    expect(isUnclearReply(message)).toBe(false);
  });
});
