/** The text of a reminder from a Korean request: 약 먹으라고 becomes 약 먹기. */

/** Verb stems whose last consonant changes before 으: 들으라고 of 듣다. */
const irregularStems: readonly (readonly [RegExp, string])[] = [
  [/들으$/, '듣'],
  [/걸으$/, '걷'],
  [/물으$/, '묻'],
  [/실으$/, '싣'],
  [/깨달으$/, '깨닫'],
  [/도우$/, '돕'],
  [/구우$/, '굽'],
  [/누우$/, '눕'],
  [/주우$/, '줍'],
  [/지으$/, '짓'],
  [/부으$/, '붓'],
  [/이으$/, '잇'],
  [/저으$/, '젓'],
];

/** Last syllables of verb stems that end in a vowel or ㄹ. 회의라고 and 치과라고 are nouns. */
const verbSyllables = new Set(
  '하가사오보주내치기리나자타끄쓰켜매배서펴추꾸누바피지이키시두크뜨우르채깨재빼떼메데세대베차마들만걸풀팔살날열갈돌놀울불빌달물밀털쓸얼말챙맡오워모씌띄쉬뛰따싸퍼',
);

const nominal = (stem: string): string => {
  for (const [from, to] of irregularStems) {
    if (from.test(stem)) return `${stem.replace(from, to)}기`;
  }
  return `${stem.replace(/(?<=[가-힣])으$/u, '')}기`;
};

/** 먹으라고, 사라고 → 먹기, 사기; 생일이라고, 회의라고 → 생일, 회의. */
function withoutQuote(text: string): string {
  const stem = text.slice(0, -2);
  if (/(?<=[가-힣])이$/u.test(stem) && !/(?:붙|먹|보|죽|높|끓|줄|들|쌓|섞|녹)이$/u.test(stem)) {
    return stem.slice(0, -1);
  }
  if (/(?:치과|안과|내과|외과|회의|휴가|축의|예의)$/u.test(stem)) return stem;
  const last = stem.at(-1) ?? '';
  return last === '으' || verbSyllables.has(last) ? nominal(stem) : stem;
}

const steps: readonly (readonly [RegExp, (found: string) => string])[] = [
  [/[가-힣]+라고$/u, withoutQuote],
  [/야\s*(?:한다고|된다고|해|돼|한다|된다|하는\s*거|하는\s*것)$/u, () => '야 함'],
  [/있다고$/u, () => '있음'],
  [/없다고$/u, () => '없음'],
  [/다고$/u, () => '다'],
  [/자고$/u, () => '자'],
  [/(?<=[가-힣])(?<!않|없)(?:게|도록)$/u, () => '기'],
  [/(?<=[가-힣])(?<!있|없)는\s*(?:거|것|걸)(?:을|를)?$/u, () => '기'],
  [/(?<=먹|하|가|내|사|기|시|끄|켜|자|나|받|읽|보|주)는$/u, () => '기'],
  [/(?<=[가-힣]기)를?$/u, () => ''],
  [/(?<=[가-힣]{2})(?:을|를)$/u, () => ''],
  [/(?<=[가-힣\s])(?:에\s*)?(?:대해(?:서)?|대한|관해|관련)$/u, () => ''],
];

export function koreanReminderText(content: string): string {
  let text = content
    .replace(/^[\s,:·-]+|[\s,:·-]+$/gu, '')
    .replace(
      /^(?:꼭|좀|나한테|나에게|내게|저에게|저한테|그때|제발|이따가?|있다가|나중에|(?:조금|좀)\s*(?:이따가?|있다가?))\s+/u,
      '',
    )
    .replace(/\s+(?:꼭|좀|나한테|나에게|내게|저에게|저한테|미리)$/u, '')
    .trim();
  const quoted = /^["'](?<inner>[^"']+)["']\s*(?:라고|이라고|고)?$/u.exec(text);
  if (quoted !== null) return quoted.groups?.['inner']?.trim() ?? text;
  for (const [ending, change] of steps) {
    if (!ending.test(text)) continue;
    text = text.replace(ending, change);
    break;
  }
  return text.trim();
}
