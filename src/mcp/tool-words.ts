/**
 * Words of questions and the words that tools have for the same thing. Descriptions of tools are in English, questions
 * in Korean or English: without these pairs full text finds nothing. General words only; an installation adds its own
 * with `words` of a server.
 */

/**
 * One entry a line: words of a question, `=`, words of tools. Korean words also match with their endings; `_` joins the
 * words of an English phrase.
 */
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
보여 띄워 열람 적혀 쓰여 = read show get file
print display open = read file text
버려 버릴 폐기 = delete remove
get_rid throw_away trash = delete remove file
replace correct typo = edit change lines
가려내 골라 = search list
문서 서류 이력서 계약서 영수증 보고서 사진들 = file document search
document documents spreadsheet invoice invoices receipt receipts pdf report photos videos = file document directory
동영상 영상 비디오 용량 기가 메가 = size file
space gigabytes megabytes biggest largest = size sizes
하위 서브 계층 = tree directory
subfolder subfolders overview = tree directory
보관함 다운로드 바탕화면 = directory folder file
downloads desktop = directory folder file
바람 풍속 맑 흐려 흐릴 소나기 태풍 미세먼지 덥겠 춥겠 코트 외투 = weather wind rain forecast temperature
coat jacket outside outdoors wind windy storm degrees hot chilly freezing humid = weather temperature wind rain forecast
몇도 = temperature weather
스마트홈 연결된 = device entity house list
gadget gadgets appliance appliances = device entity
바닥 쓸어 먼지 물걸레 = vacuum clean
hoover mop floor floors dust dusty sweep = vacuum clean
햇빛 걷어 셔터 차양 = cover blind curtain
shutter shutters drapes curtains sunlight = cover blind curtain
자동 = automation
주차장 마당 = camera snapshot
driveway porch yard backyard = camera snapshot
콘센트 선풍기 플러그 = switch socket
outlet plug socket fan = switch socket
잊어 잊어버려 = delete remove memory entity
였더라 뭐였 누구였 이름이 누구야 = search memory entity
keep_in_mind note_that bear_in_mind don't_forget = memory entity observation create add
told_you did_i_tell i_told about_my who_is my_friend my_sister my_brother my_wife my_husband = search memory entity
틀렸어 아니래 = delete edit observation fact
오빠 언니 누나 남동생 여동생 부부 친구 동료 가족 아들 딸 = relation entity person
sister brother cousin uncle aunt colleague neighbour neighbor married = relation entity person
나에대해 = memory graph entity
put_on listen hear tune album band singer sing sings = music play song track artist
흐르는 나오는 부른 누구노래 = song playing track current
anything_by = search songs artist
mix jazz rock workout = playlist music
멜로디 연주 = music song
잠깐만 그만 멈추 = pause stop
hold mute quiet silence = pause stop volume
google online internet = web search
점수 보조금 맛집 영업시간 뉴스 = web search
score opening_hours news latest price_of = web search
out_of ran_out run_out need_to_buy supermarket grocery_store = shopping list item add
마트 슈퍼 휴지 우유 계란 빵 = shopping list item
have_to_do left_to_do need_to_do to_do = tasks list task
뭐해야 해야돼 해야해 해야할 까지해야 = task todo list
tick_off tick cross_off paid = task done mark
목록에서 = list item bought done
걸려 걸릴 까지가 몇분 가는법 가려면 도착 공항 = route transit time
fastest way_to get_to directions_to airport station hospital distance drive walk = route plan
뭐라고해 = translate language
mean means = translate language text
제곱미터 평이 그램 킬로그램 킬로미터 = convert unit
우리돈 = convert currency money
남편 아내 엄마 아빠 = send notification phone
mom dad husband wife kids = send notification phone family
권한 허락 들어갈수 볼수있 접근가능 = allowed access folders
permission permissions reach allowed access = allowed access
전원 = switch turn
power = switch turn power
히터 온풍기 선풍기 가습기 제습기 얼어 찜통 더워 더운데 시원 따뜻 = climate temperature thermostat heating
heater freezing radiator boiler ac aircon cooling = climate temperature thermostat
잠금 열쇠 자물쇠 뒷문 앞문 현관문 방문 = lock door
key bolt deadbolt door doors gate = lock door
모드로 분위기로 = scene
mood ambience mode = scene mode
마당 초인종 택배왔 누가왔 누구왔 밖에누 CCTV = camera snapshot picture
doorbell cctv watching camera cameras = camera snapshot picture
기억한 기억하는 저장된 알고있는 아는거 말해준 얘기했 말했던 = memory graph entity search observation
remembered memories everything_you_know know_about = memory graph entity search
열어봐 꺼내 = open read
노래꺼 음악꺼 노래멈 음악멈 재생중지 = pause playback
stop_playing pause silence = pause playback
들리게 크게 작게 조용히 시끄러 안들려 = volume sound set
sound louder softer quieter noisy loudness = volume speaker set
listening_to am_i_hearing this_song = current track playing song
눈와 눈오 눈올 비올 비와 비오 맑을 추울 더울 습할 소식 일기 우산 추워 = weather forecast rain temperature
snow snowing snowy sun sunny cloudy cloud thunder hail fog foggy warm cold = weather forecast temperature rain
화씨 섭씨 킬로미터 센티미터 밀리리터 인치로 리터로 몇킬로 몇미터 몇그램 몇센티 = convert unit
celsius fahrenheit centimeters meters kilograms grams pints yards litres milliliters tablespoon teaspoons = convert unit
남은일 할거 할것 숙제 마감 일정말고 업무 과제 = task tasks todo
plate pending unfinished overdue errands due assignments homework = tasks task open
끝났어 끝내 다했어 마쳤어 해치웠 처리했 = complete done task mark
took_care_of already_did i_did i_finished = done task mark
how_far how_long how_do_i_get way_home by_bike by_car by_train on_foot commute = route plan
몇시간 얼마나걸 가는데 가까운길 막혀 길찾기 버스로 차로 걸어서 지하철로 = route plan
applications = directory folder
뒀더라 어디뒀 어디에뒀 어디갔 어딨 = search find
locate where_is where_did where_are = search find
앨범 신곡 히트곡 발매 = search tracks album songs
곡 노래로 = song track
즐겨듣기 즐겨찾기 담아 = add playlist song
favourites favorites = playlist add
세제 샴푸 치약 쌀 고기 과일 채소 사야겠 사야해 사야돼 사놔 = shopping add item buy
buy purchase pick_up get_some detergent milk bread eggs fruit vegetables = shopping list item add
샀어 샀다 샀으니 사왔 구입했 = shopping bought item done
bought already_have = shopping bought item done
살거 사야할 장볼 = shopping list items
to_buy shopping = shopping list items
불러줘 말해줘 들려줘 = list get read
옮겨줘 번역 무슨뜻 뜻이 통역 = translate text
say_in how_do_you_say in_japanese in_french in_german in_spanish in_korean in_english = translate text language
검색해 찾아봐 알아봐 인터넷 누가이겼 결과 언제인지 = web search
who_won who_is find_out look_up look_it_up news online = web search
홈페이지 기사 블로그 주소 링크 = fetch page web
link article blog homepage = fetch page web url
환전 바꾸면 얼마야 만원 = convert currency money
exchange francs pesos rupees currency = convert currency
문자 카톡 알려 = send notification message phone
text_him text_her text_my message notify inform = send notification phone
아들이야 딸이야 동생이야 형이야 언니야 아내야 남편이야 상사야 = create relations entities memory
boss daughter son mother father parent = relations entity
싫어 좋아 알레르기 생일 못먹 = add observation entity memory
allergic birthday likes hates loves prefers favorite = observation entity memory
이름은 알아둬 외워둬 = create entity memory
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
  const spaced = ` ${tokens.join(' ')} `;
  return [
    ...table
      .filter(({ words }) => words.some((word) => matches(word, tokens, closed, spaced)))
      .flatMap(({ meanings }) => meanings),
    ...forms.filter(({ pattern }) => pattern.test(message)).flatMap(({ meanings }) => meanings),
  ];
}

/** A Korean word of two syllables or more may be within a compound; one syllable only begins a word. */
function matches(word: string, tokens: readonly string[], closed: string, spaced: string): boolean {
  if (word.includes('_')) return spaced.includes(` ${word.replaceAll('_', ' ')} `);
  if (/^[a-z]/.test(word)) return tokens.includes(word);
  if (word.length > 1) return closed.includes(word);
  return tokens.some((token) => token.startsWith(word) && token.length <= word.length + 2);
}
