/**
 * The Korean words of the rules, as data: nouns and adverbs as they stand, predicates as stem and endings.
 * A new word is a new entry here, never new code.
 *
 * Words of one syllable are in `standalone`: inside a longer eojeol they would turn words that the rules do
 * not know (전시, 주의) into words that they think they know.
 */
import { anyOf } from './number-words.ts';
import type { WordClass } from './word-classes.ts';

const split = (words: string): string[] => words.split(/\s+/).filter((word) => word !== '');

/** Nouns and adverbs; they may carry particles and may be glued to each other (오늘일정, 메일목록). */
export const nouns: Partial<Record<WordClass, string[]>> = {
  calendar: split(`일정 일정표 캘린더 캘린터 스케줄 스케쥴 스케줄표 스케쥴표 약속 미팅 회의 달력
    팀회의 팀미팅 주간회의 월간회의 정기회의 전체회의 화상회의 부서회의 임원회의 업무회의 기획회의 운영회의
    대책회의 아침회의 오전회의 오후회의 영업회의 개발회의 온라인회의 점심약속 저녁약속 술약속 식사약속 개인일정 회사일정
    업무일정 가족일정 팀일정 화상미팅 온라인미팅 고객미팅`),
  mail: split(`메일 이메일 편지 지메일 전자우편 전자메일 메일함 이메일함 편지함 받은편지함 받은메일함
    메일박스 수신함 새메일 메일들`),
  document: split('문서 도큐먼트 자료 파일 문서들 문서함 자료들 파일들'),
  bookish: split('책 회의록 서류'),
  machine:
    split(`서버 시스템 모델 추론모델 추론 젬마 큐웬 엑사원 대기열 작업 작업큐 백엔드 맥미니 맥북
    게이트하우스 추론서버 모델서버`),
  state: split('상태 현황'),
  account: split('회사 테크니컬 테크니컬코리아 네이버웍스 웍스 구글 개인'),
  attribute: split(`시간 시각 장소 위치 목록 리스트 내용 내역 개수 갯수 참석자 참가자 제목 날짜 본문
    요약 정보 예정 상황 전체 관련 종류`),
  next: split('다음 다음번 다가오는 가까운 마지막 최근 최신 지난번 저번 지난 예전'),
  filler:
    split(`혹시 지금 현재 그럼 그러면 이제 다시 한번 한번만 빨리 얼른 제발 우리 내가 제가 나는 저는
    모두 전부 모든 간단히 간단하게 자세히 자세하게 짧게 빠르게 하나 하나만 그냥 안녕 안녕하세요 하이 고마워 감사
    아니 근데 그런데 그리고 오전 오후 아침 점심 저녁 새벽 오늘도 일단 아직 벌써 이미 나한테 저한테 나에게
    저에게 내게 제게 요즘 누가 각각 빨랑 바로 당장 조금 약간 이거 저기요 있잖아 언제쯤 간단 간략히 간략하게
    저희 같이 함께 총 대략 이따 이따가 미안 미안한데 죄송 죄송한데 잠깐 잠시 정도 순서대로 시간순 시간순으로 쭉 싹 한눈에 미리 많이 이렇게 왜이렇게 계속`),
  how: split(`방법 요령 의미 차이 차이점 이유 설명 번역 추천 작성 코드 예시 예제 템플릿 양식 문법
    영어로 영어 일본어로 일본어 중국어로 한국어로 표현 단어 속담 비결 규칙 매너 에티켓 서식 노하우 정의`),
};

/** Only as a whole eojeol, with the forms that speech really uses. */
export const standalone: Partial<Record<WordClass, string[]>> = {
  machine: split('큐 큐가 큐는 큐에 큐도 봇 봇이'),
  ask: split(
    '뭐 뭐가 뭘 뭔 뭣 몇 무슨 어느 어떤 누구 누구랑 누구와 누굴 누구한테 누군가 어디 어디서 어디로 얼마나',
  ),
  attribute: split('거 거는 거도 것 것도 것들 건 게 걸 꺼 거만 건지 표 총'),
  described: split('새 첫'),
  demonstrative: split(
    '이 그 저 위 아래 방금 이번 이런 그런 해당 첨부 첨부한 첨부된 올린 아까 여기',
  ),
  filler:
    split(`좀 꼭 다 더 또 내 나 제 저 난 전 수 응 네 예 아 음 야 자 참 걍 중 중에 중에서 중이야 중이니 중인가 중인지 중인 중이에요 잘 때 때는
    때에 에 의 도 은 는 을 를 로 쫌 거의 어 오 헐 흠 엉 님 씨 ㅋ ㅋㅋ ㅋㅋㅋ ㅎ ㅎㅎ ㅎㅎㅎ ㅠ ㅠㅠ ㅜ ㅜㅜ`),
  how: split('왜 법 뜻 팁 어떻게'),
};

/** What may be glued between two known words: 오늘거, 일정뭐있어. */
export const glue: Partial<Record<WordClass, string[]>> = {
  ask: split('뭐 뭐가 뭔'),
  attribute: split('거 꺼 건 것'),
  filler: split('중 중에 중에서 좀'),
};

/** Particles and copula that may follow a noun; longer ones are tried first. */
const particleWords =
  split(`은 는 이 가 을 를 의 에 도 만 로 으로 와 과 랑 이랑 하고 나 이나 에서 에게 한테
  부터 까지 에는 에도 에만 에서는 에서도 으로는 로는 들 들은 들이 들을 들도 들만 이라도 라도 요 이요 란 이란 마다 밖에
  보다 쯤 인데 이고 및 말고 께 엔 에선`);
export const particles = particleWords.toSorted((left, right) => right.length - left.length);

/** Makes a question or a statement of a noun: 일정이야?, 회의인가요. Not 지 alone: 편지지 and 자료지 are nouns. */
const copulaEnding =
  '(?:이?(?:야|죠|냐|니|더라|던가|래|라고)|이지|(?:이에|예|에)요|이?(?:였|었)(?:어|지|나|니|죠|더라|던가|는지|을까|어요|지요)|인(?:가|가요|지|지요|데|데요)|입니까|입니다|일까|일까요|임|인감|이었(?:어|지|나|더라|죠))';
export const copula = new RegExp(`^${copulaEnding}$`, 'u');

/** Endings that can ask, after a past or plain stem. Endings that only tell (다, 네, 는데) make no request. */
const asking =
  '(?:어|아|나|니|냐|지|죠|음|슴|을까|는지|는가|던가|더라|습니까|어요|아요|나요|지요|을까요|는가요|던가요|든가|을려나|으려나|는거야|는거지|는감)';

/** 주다, 보다 and the like after a verb: 알려줘, 보여줄래, 찾아봐 주세요 (written together). */
const giving =
  '(?:줘(?:요|라|봐|봐요|서|야|도)?|주(?:라|세요|셔요|십시오|시오|시겠어요|시겠습니까|시겠나요|실래요|실래|실|시죠|겠니|겠어|겠어요|렴|면|시면|고|구|시고|길|지|쇼|삼|셈|심)|줄(?:래|래요|수|까|게|거지|텐가)?|봐(?:요|줘|줘요|라|봐|주세요|줄래|주라|서|줄래요)?|보(?:자|고|고싶어|세요|시죠|기|여줘)|볼(?:래|까|래요|까요|수|게)|드려|달라|달라고|다오|요|서|놔|도)';

/** 하다 after a noun: 확인해줘, 검색 좀 부탁해. */
const doing = `(?:을|를|좀|만|도)?(?:해(?:${giving})?|하(?:자|기|라|세요|시죠|시오|고|여줘|여주세요|고싶어|십시오|려고)|할(?:래|까|수|게|래요|까요|것)|부탁|부탁해|부탁해요|부탁드려요|부탁드립니다|부탁합니다|바람|바랍니다|바라|요망|ㄱㄱ|고고)`;

/** Verbs made of a Sino-Korean noun: the noun alone, or with a form of 하다. */
const doingVerb = `(?:${doing}|(?:을|를)?(?:하|할|해|했|한다|시켜)[가-힣]{0,7})?`;

const stem = (words: string): string => anyOf(split(words));

export interface Predicate {
  class: WordClass;
  regex: RegExp;
}

const row = (name: WordClass, ...patterns: string[]): Predicate => ({
  class: name,
  regex: new RegExp(`^(?:${patterns.join('|')})$`, 'u'),
});

/** Tried in this order: passive and past participles come before the verbs that they are made of. */
export const predicates: readonly Predicate[] = [
  row(
    'described',
    '(?:잡|적|담|박)(?:힌|혀|혀있는|혀있던|힐)|잡은|잡아(?:둔|놓은)|넣어(?:둔|놓은)|만든|넣은|남은|남아|비어|빈|있는|있던|있었던|없는',
    '(?:등록|추가|예약|저장|기록|예정|취소|변경|수정|연기|삭제|확정|공유|정리|생성|포함|관련|작성)(?:된|돼|되어|된거|해둔|해놓은|한|되어있는|돼있는|돼있어|되어있어|됐던)',
    '관한|대한|대해|대해서|들어간|들어있는|담긴|라는|이라는',
    '바뀐|바뀌어|미뤄진|옮겨진|늦춰진|앞당겨진|새로|새로운|중요한|급한|긴급한|읽은|않은|안|안읽은|읽지|못|확인안한|가장|제일|빠른|이른|늦은|하는|잡힌거|밀려있는',
  ),
  row(
    'ask',
    `(?:뭐|뭣|무엇|무어|언제|누구|어디|몇시|몇개|몇건|몇통|몇명|몇번|얼마|얼마나)(?:가|이|를|을|에|로|서|부터|까지|쯤|나|랑|하고|한테)?(?:${copulaEnding}|지|지요|임|되|돼)?`,
    `뭔(?:가|가요|지|데|데요|감)|뭐뭐|뭘까|뭘까요|뭡니까|언젠(?:가|가요|지|데)|누군(?:가|가요|지)|어딘(?:가|가요|지)|뭐라고|뭐래`,
    `어떻게(?:돼|돼요|되|되지|되죠|되나|되나요|되니|됩니까|되는지|될까|됐|됐지|되어|되는|되더라|되냐|되는데|되시|됐더라|됐어)?(?<!^어떻게)|어때|어때요|어떤가|어떤가요|어떠니|어떠냐|어땠어|어떻지|어떠함`,
  ),
  row(
    'exist',
    `(?:뭐|뭐가|뭔가)?(?:있|없)${asking}|있었?${asking}|없었?${asking}|있으면|없으면|있음|없음|있을|계시${asking}|남았${asking}|남아있${asking}|비었${asking}|잡혔${asking}|잡혀있${asking}|있다면|있던가요|(?:많|적)(?:아|나|지|아요|은가|은가요|니|나요|죠)|빡빡해|널널해`,
  ),
  row(
    'show',
    `(?:${stem('알려 보여 말해 가르쳐 읽어 불러 띄워 열어 뽑아 읊어 꺼내 나열해 브리핑해 안내해 공유해 보고해 표시해 출력해 들려 얘기해 이야기해')})(?:${giving})?`,
    `알(?:고|고싶어|고싶은데|수|려면|려달라고)|궁금(?:해|하다|한데|합니다|해요)|보고(?:싶어)?|싶어|싶은데|싶다|싶어요|볼(?:수|래|까|게)?|해(?:줘|줘요|주세요|줄래|줄래요|봐|봐줘|주라)|봐|봐줘|봐봐|보자|보기|줘|줘요|줘봐|주세요|주라|줄래|줄래요|주실래요|주실|주실수|줄|줄수|부탁|부탁해|부탁해요|부탁드려요|부탁드립니다|부탁합니다|브리핑|브리핑${doing}|안내${doing}|소개해줘|알려줄수있어|알려줄래|바랍니다|바람|주십시오|주겠니|주시겠어요|볼게|봅시다`,
  ),
  row(
    'seek',
    `찾아(?:${giving})?|찾아봐|찾고|찾자|찾을(?:래|까|수|게)|찾기|찾아내|찾아내줘|(?:검색|조회|서치|탐색)(?:${doing})?|뒤져(?:${giving})?`,
  ),
  row('check', `(?:확인|체크)(?:${doing})?`),
  row('digest', `(?:요약|정리)(?:${doing})?`),
  row(
    'come',
    `(?:왔|들어왔|도착했|받았|와있|날아왔|수신했|도착해있)${asking}|와있는|와|오나|오니|오냐|온|온거|온게|들어온|들어와|도착한|도착해|받은|수신한|수신된|날아온|날라온|전달받은|보내온|보내준|보내신|보낸|쓴|발송한|전송한|왔|받아|도착`,
  ),
  row(
    'happen',
    `(?:했|했었|하였|한|하기로했|만나기로했|만났|시작했|끝났|열렸)${asking}|하지|하고|하고있어|뭐해|뭐하고|하나|하니|하냐|하더라|하는지|할까|해|해요|하는거야|하나요|하죠|한거야|한거지|한거|하기로|만나|만나지|만나는|만나기로|시작|시작해|시작하지|시작이야|시작하나|시작하나요|시작해요|시작하니|시작하는지|끝나|끝나지|끝나나|끝나나요|끝나요|끝나니|끝나는지|열려|열리지|열리나|가야해|가야|가야돼|가야하지|가지|와야|참석|참석해|참석하지|진행|진행해|돼|되지|되나|된|맞지|맞아|맞나|맞죠|맞는지|맞나요|였지|이지|였더라|누구누구`,
  ),
  row(
    'create',
    `(?:${stem('등록 추가 예약 생성 세팅 셋업 기록 저장 입력 신청')})${doingVerb}`,
    `(?:${stem('잡아 잡자 잡을 잡고 잡기 잡으 잡게 잡는 만들 넣어 넣자 넣고 넣을 넣기 적어 올려 끼워 박아')})[가-힣]{0,8}`,
  ),
  row(
    'change',
    `(?:${stem('취소 변경 수정 삭제 연기 조정 이동 업데이트 정정')})${doingVerb}`,
    `(?:${stem('지워 지우 지울 바꿔 바꾸 바꿀 옮겨 옮기 옮길 미뤄 미루 미룰 당겨 당기 당길 앞당 없애 없앨 빼줘 빼자 늦춰 늦추 늦출 고쳐 고치')})[가-힣]{0,8}`,
  ),
  row(
    'send',
    `(?:${stem('작성 답장 답신 회신 전송 전달 발송 포워딩 포워드 답변')})${doingVerb}`,
    `(?:${stem('보내 보낼 써줘 써봐 써야 쓰지 쓰는 쓰고 쓰면 쓸까 쓸래 쓰자')})[가-힣]{0,8}`,
  ),
  row(
    'state',
    `(?:${stem('바쁘 바빠 바쁜 바빴 느려 느리 느린 느렸 밀려 밀렸 밀린 밀리 살아 죽었 죽은 켜져 켜졌 꺼져 꺼졌 돌아가 돌아감 일하고 일하는 일해 일하나 일하니 놀고 놀아 멈췄 멈춰 괜찮 쉬고 좋아 좋은 나빠 나쁘')})[가-힣]{0,8}`,
    `(?:${stem('작동 동작 가동 한가 여유 정상 대기 처리 연결 응답 부하 온라인 오프라인 혼잡')})(?:(?:중|하|해|되|돼|됐|이|인|로|는|가|은|을|률|량|건|시간|있|없|에|도)[가-힣]{0,6})?`,
  ),
];
