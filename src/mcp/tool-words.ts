/**
 * Words of questions and the words that tools have for the same thing. Descriptions of tools are in English, questions
 * in Korean or English: without these pairs full text finds nothing. General words only; an installation adds its own
 * with `words` of a server.
 */

/** One entry a line: words of a question, `=`, words of tools. Korean words also match with their endings. */
const entries = `
보여 보여줘 알려 확인 어때 어떻게 = get read show list state status
뭐가 무엇 어떤 = list get
목록 리스트 나열 전부 모두 = list all
찾아 찾기 검색 뒤져 = search find query
읽어 열어 내용 = read open get content
써줘 적어 작성 저장 기록 = write save add create
만들 생성 새로 = create new make add
추가 넣어 등록 = add create insert
바꿔 바꾸 변경 수정 고쳐 편집 = edit update set change modify
지워 삭제 없애 제거 빼줘 = delete remove
옮겨 이동 이름을 = move rename
복사 = copy
켜 켜줘 틀어 = turn on start play switch
꺼 꺼줘 끄 = turn off stop switch
멈춰 정지 중지 일시정지 = stop pause
시작 실행 돌려 = start run execute
재생 틀어줘 들려 = play
올려 높여 키워 = set increase raise up
내려 낮춰 줄여 = set decrease lower down
닫아 잠가 잠궈 = close lock
보내 전송 전달 = send post
공유 = share
예약 = schedule book reserve
계산 더해 더하면 합 합계 = sum add calculate
곱하 나누 빼면 = calculate multiply divide
번역 = translate
요약 = summarize summary
비교 = compare diff
변환 바꾸면 환산 = convert
그려 그림 사진 이미지 = image picture photo media
파일 문서 = file text document
여러 = multiple many
폴더 디렉토리 디렉터리 = directory folder
크기 용량 = size sizes info disk
구조 트리 나무 = tree structure
정보 상세 자세 메타 = info details metadata
날짜 시각 시간 몇시 지금 = time date current
시간대 = timezone time
날씨 기온 예보 비 비가 비와 눈이 우산 = weather forecast temperature rain
온도 덥 추워 추운 춥 더운 난방 냉방 보일러 에어컨 = temperature climate thermostat heating
습도 = humidity sensor
불 조명 전등 램프 스탠드 전깃불 = light lights lamp
밝기 = brightness light
방 거실 침실 부엌 주방 집 집안 = area room home
문 현관 대문 창문 블라인드 커튼 = door cover lock window blind curtain
센서 = sensor state
기기 장치 가전 = device entity
청소 청소기 로봇청소기 = vacuum clean
음악 노래 곡 = music song track play
앨범 가수 = album artist
소리 볼륨 음량 = volume
다음곡 다음 = next skip
재생목록 플레이리스트 = playlist
장면 분위기 모드 = scene
자동화 = automation
알람 알림 = alarm notification notify
카메라 = camera snapshot image
전기 전력 = energy power usage
electricity consumption watt = energy power usage
커밋 = commit git
브랜치 = branch git
변경사항 차이 달라 = diff changes status
이슈 = issue
저장소 레포 = repository repo
코드 소스 = code source
웹 인터넷 사이트 페이지 홈페이지 주소 = web url page fetch
기사 뉴스 = news article
받아 다운로드 가져 불러 = fetch get download
메시지 문자 쪽지 = message send
채널 = channel message
메모 노트 = note notes
영수증 계약서 사진첩 첨부 = file
할일 할일을 투두 = task todo
장바구니 살것 장보기 = shopping list item
연락처 전화번호 = contact phone
기억 외워 = memory remember entity observation
알고 아는지 아는게 = search memory entity know
사람 관계 = entity relation person
지식 그래프 = graph knowledge
환경변수 환경 = env environment variables
데이터 데이터베이스 디비 테이블 = database table query sql
표 = table
주식 주가 환율 = stock price exchange rate
지도 위치 어디 길 경로 = map location route directions where
버스 지하철 기차 교통 = bus transit train
택배 배송 = parcel delivery track
압축 = zip gzip compress
링크 = link resource
자료 = resource
허용 허용된 접근 = allowed access
완료 끝났 끝낸 했어 = complete done finish
한국어 영어 일본어 중국어 스페인어 프랑스어 독일어 러시아어 베트남어 무슨뜻 = translate language text
korean english japanese chinese spanish french german russian italian portuguese vietnamese meaning = translate language text
달러 유로 원화 엔이면 원으로 엔화 위안 파운드화 환전 = currency convert money exchange
dollar dollars euro euros won yen yuan currency = currency convert money exchange
킬로 파운드 마일 인치 미터 센티 그램 온스 갤런 리터 평수 = convert unit
mile miles kilometers pounds kilos inches feet ounces gallons liters cups = convert unit
사야 살거 사줘 구매 주문 떨어졌 = shopping add order buy
buy bought order = shopping list item
뭐라고 말했 했었 적어뒀 = search memory observation note
said told mentioned = search memory observation
전해 알려줘요 말해줘 연락 = send notification message
let know inform text ping = send notification message
세탁기 건조기 냉장고 식기세척기 티비 텔레비전 공기청정기 오븐 = state device entity
washer dryer fridge dishwasher tv television oven = state device entity
where put = search find
언제 몇월 일정 약속 = calendar event date
when meeting appointment = calendar event date
메일 이메일 편지 = mail email message
email mail inbox = mail email message
예약해 식당 호텔 항공권 = book reservation search
restaurant hotel flight flights = search book reservation
읽을 책 도서 = book library
show tell display view see = get read list show state
find look search lookup = search find query list
what which = list get
write save put = write create save
make new = create new make
change modify adjust = edit update set change
erase drop delete remove = delete remove
rename = move rename
switch turn = turn switch set
warm warmer heat heating cold cool cooler = temperature climate thermostat
dark darker bright brighter dim brighten = light brightness
total plus add = sum add
folder folders directory = directory folder
lights lamp lamps = light lights
photo picture = image
todo chore chores = task todo
groceries grocery = shopping item
remember memorize = memory entity observation create
forget = delete remove
know known = search graph entity
rain umbrella sunny forecast = weather forecast
song songs track = music track play
louder quieter loud = volume
big large = size info
webpage website site = url fetch web page
changed changes difference = diff changes status
check off finished done = complete done
`;

interface WordEntry {
  words: readonly string[];
  meanings: readonly string[];
}

const table: readonly WordEntry[] = entries
  .trim()
  .split('\n')
  .map((line) => {
    const [words = '', meanings = ''] = line.split(' = ');
    return { words: words.split(' '), meanings: meanings.split(' ') };
  });

/** Forms in a message that name a kind of thing, and the words of tools for it. */
const forms: readonly { pattern: RegExp; meanings: readonly string[] }[] = [
  {
    pattern: /https?:|\bwww\.|\b[a-z\d-]+\.(?:com|org|net|io|dev|edu|gov|kr|info)\b/i,
    meanings: ['url', 'web', 'page', 'fetch'],
  },
  {
    pattern: /[\p{L}\d_-]\.(?!(?:com|org|net|io|dev|kr)\b)[a-z]\w{1,4}\b/iu,
    meanings: ['file', 'text'],
  },
  { pattern: /\.(?:png|jpe?g|gif|webp|heic|svg)\b/i, meanings: ['image', 'picture'] },
];

/**
 * The words of tools for the words and forms of a message; each entry once. `tokens`: the words of the message, folded,
 * without punctuation, in their order. Spaces do not matter in Korean: 할 일 and 할일 are the same word.
 */
export function meaningsOf(message: string, tokens: readonly string[]): string[] {
  const closed = tokens.join('');
  return [
    ...table
      .filter(({ words }) => words.some((word) => matches(word, tokens, closed)))
      .flatMap(({ meanings }) => meanings),
    ...forms.filter(({ pattern }) => pattern.test(message)).flatMap(({ meanings }) => meanings),
  ];
}

/** A Korean word of two syllables or more may be within a compound; one syllable only begins a word. */
function matches(word: string, tokens: readonly string[], closed: string): boolean {
  if (/^[a-z]/.test(word)) return tokens.includes(word);
  if (word.length > 1) return closed.includes(word);
  return tokens.some((token) => token.startsWith(word) && token.length <= word.length + 2);
}
