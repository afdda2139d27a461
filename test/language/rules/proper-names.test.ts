/**
 * The rules, the prompts and the texts of the machines name no company, person or place, except those below, each with
 * its reason. Places come from the zones and regions of the ECMAScript Internationalization API; companies and persons
 * from the lists here.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '#test/support/project-root';

/** Allowed names, each with its reason. */
const reviewed: Readonly<Record<string, string>> = {
  // Kinds of mailboxes in general use.
  gmail: 'mail provider',
  google: 'mail provider',
  지메일: 'mail provider',
  구글: 'mail provider',
  outlook: 'mail provider that the English rules leave to the classifier',
  yahoo: 'mail provider that the English rules leave to the classifier',
  hotmail: 'mail provider that the English rules leave to the classifier',
  icloud: 'mail provider that the English rules leave to the classifier',
  // Services as the subject of a message: not the user's mailbox.
  facebook: 'service that is no mail',
  twitter: 'service that is no mail',
  slack: 'service that is no mail',
  zoom: 'a kind of meeting',
  // Names of other assistants, with which users begin a sentence out of habit.
  siri: 'wake word',
  alexa: 'wake word',
  cortana: 'wake word',
  bixby: 'wake word',
  jarvis: 'wake word',
  olly: 'wake word',
  // Model families and model servers, which a user names without a configuration.
  gemma: 'model family',
  젬마: 'model family',
  qwen: 'model family',
  큐웬: 'model family',
  exaone: 'model family',
  엑사원: 'model family',
  llama: 'model family',
  라마: 'model family',
  mistral: 'model family',
  미스트랄: 'model family',
  deepseek: 'model family',
  딥시크: 'model family',
  ollama: 'model server',
  // Names of zones.
  seoul: 'the zone that clocks abbreviate as KST',
};

const companies =
  `technical samsung hyundai lotte kakao naver naverworks daum nate hanmail line coupang
  posco doosan hanwha shinhan woori kookmin nonghyup toss baemin apple amazon microsoft google gmail facebook twitter slack
  skype zoom netflix tesla nvidia intel oracle outlook yahoo hotmail icloud fastmail siri alexa cortana bixby jarvis olly gemma
  qwen exaone llama mistral deepseek ollama openai anthropic synology macmini macbook 삼성 삼성전자 현대 현대차 롯데 카카오 네이버
  네이버웍스 웍스 다음메일 한메일 네이트 쿠팡 포스코 두산 한화 신한 국민은행 농협 토스 배민 애플 아마존 마이크로소프트 구글 지메일
  페이스북 테크니컬 테크니컬코리아 젬마 큐웬 엑사원 라마 미스트랄 딥시크 맥미니 맥북 시놀로지 엘지 에스케이 하이닉스 기아 쌍용`.split(
    /\s+/,
  );

const persons =
  `alice bob charlie david emma james john kim lee park choi mary michael peter sarah sam tom anna hyungi minsu jisoo
  민수 지수 철수 영희 영수 민지 지훈 수진 현우 서연 김과장 박대리 이부장 최대표 홍길동 앨리스`.split(
    /\s+/,
  );

const koreanPlaces =
  `서울 부산 대구 인천 광주 대전 울산 세종 수원 성남 강남 강남역 판교 분당 여의도 홍대 잠실 제주 제주도 경기도 강원도 충청도 전라도 경상도
  종로 을지로 명동 용산 마포 송도 일산`.split(/\s+/);

function places(): string[] {
  const cities = Intl.supportedValuesOf('timeZone').flatMap((zone) => zone.split('/').slice(-1));
  const codes = Array.from({ length: 26 * 26 }, (_, at) =>
    String.fromCharCode(65 + Math.floor(at / 26), 65 + (at % 26)),
  );
  const regions = ['en', 'ko'].flatMap((locale) => {
    const names = new Intl.DisplayNames(locale, { type: 'region', fallback: 'none' });
    return codes.flatMap((code) => names.of(code) ?? []);
  });
  return [...cities, ...regions, ...koreanPlaces];
}

/** Names that are also common words, and are used as such in the rules. */
const commonWords = new Set(
  'easter christmas wake 이란 건지 center eastern line 말 차드 라오스 니스 오만 가나 가봉 인도 통가 수리 모로코 mali niue 기아 현대'.split(
    ' ',
  ),
);

const names = new Set(
  [...companies, ...persons, ...places()]
    .map((name) => name.toLowerCase().replaceAll('_', ' '))
    .filter((name) => name.length > 1 && !name.includes(' ') && !commonWords.has(name)),
);

/** Words of a file without its comments and imports; the names of functions count too. */
function wordsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8')
    .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    .replaceAll(/^import [\s\S]*?;$/gm, '')
    .replaceAll(/(?<=^|\s)\/\/ .*$/gm, '');
  return text.toLowerCase().match(/[a-z]+|[가-힣]+/g) ?? [];
}

const files = ['src/language', 'machines'].flatMap((folder) =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
);

test('the rules, the prompts and the texts of the machines name no company, person or place', () => {
  expect(files.length).toBeGreaterThan(50);
  const found = files.flatMap((file) =>
    [...new Set(wordsOf(join(projectRoot, file)))]
      .filter((word) => names.has(word) && !Object.hasOwn(reviewed, word))
      .map((word) => `${file}: ${word}`),
  );
  expect(found).toEqual([]);
});
