/**
 * Korean requests about reminders. 알려줘 is a request for a reminder only with a time that lies ahead and words that are no
 * question: 일정 알려줘 and 내일 날씨 알려줘 are answered, 30분 뒤에 알려줘 is kept. Null: no such request.
 */
import { findDurations } from '../dates/parse-durations.ts';
import {
  anyMark,
  areComplementary,
  marks,
  marksIn,
  type MaskedText,
  maskText,
  selectTimes,
} from '../schedules/masked-text.ts';
import {
  doubtful,
  type ReminderSelector,
  type ScheduleClause,
  type ScheduleRequest,
} from '../schedules/schedule-request.ts';
import { moveTarget } from '../schedules/move-target.ts';
import { afterDuration, readWhen } from '../schedules/when.ts';
import { namesZone, unknown, type When } from '../schedules/when-types.ts';
import { koreanReminderText } from './korean-reminder-text.ts';

const particle =
  '(?:에는|에도|에만|에서|에|엔|은|는|쯤에?|경에?|때|마다|정도에?|의|으로|로|부터|까지|동안|간|날|와|과|랑|이랑|하고)?';
/** A space is matched in one way only: two ways for each of many marks are exponential time. */
const gap = '(?:\\s*[,·~-])?\\s*';
/** The day comes before the time: a date after it belongs to the content (8시에 이번 주 일정). */
const group = `(?=${anyMark})(?:(?!${marks.time})${anyMark}${particle}${gap})*(?:${marks.time}${particle}${gap})*(?:${marks.every}${particle}${gap})?`;

const leading =
  /^(?:(?:아|음|저기요?|그럼|그리고|혹시|그러면|나한테|나에게|내게|저에게|저한테|나(?=\s+(?!대신))|저(?=\s)|날|나를|꼭|제발|있잖아|자|오케이|응|네|그때|미리|잊지\s*말고|까먹지\s*말고)[\s,]+)+/u;
const trailing =
  /(?:[\s.!~?^;,…ㅋㅎㅠㅜ]|고마워요?|고맙습니다|감사(?:합니다|해요)?|부탁(?:해요?|드려요|드립니다|할게요?)?|(?<=\s)(?:응|please|plz|ㅇㅇ))+$/u;

const giving =
  '\\s*(?:좀\\s*)?(?:줘(?:요|라|봐요?|야\\s*(?:해|돼))?|주(?:라|세요|셔요|십시오|렴|실래요?|시겠어요|기|시기\\s*바랍니다|실\\s*수\\s*있(?:나요|어요|을까요|습니까)|면\\s*(?:좋겠어|돼|고맙겠어|좋겠다)요?|시면\\s*(?:돼요|됩니다|감사하겠습니다|좋겠어요|좋겠습니다|감사합니다)|길\\s*(?:바라|바랄게|부탁해)요?)|줄(?:래요?|\\s*수\\s*있(?:어|니|나|나요|어요|을까|을까요|지))|줬(?:으면|음)\\s*(?:해|좋겠어|좋겠는데|하는데)요?|달라고?|다오|드려|요)?';
const tells = new RegExp(`(?:알려|말해|얘기해|이야기해|일러|상기시켜)${giving}$`, 'u');
const wakes = new RegExp(`(?:깨워|일어나게\\s*해)${giving}$`, 'u');
const reminderNoun = '(?:미리\\s*알림|알림|알람|리마인더|리마인드|모닝콜)';
/** A clock that rings: with a time, the noun alone asks for it. */
const alarmNoun = '(?:알람|모닝콜)';
const sets = new RegExp(
  `(?:(?:${reminderNoun}|알리미)(?:을|를|이|도|으로|로)?\\s*(?:하나|한\\s*개|한\\s*번|좀)?\\s*(?:설정|등록|예약|추가|세팅|생성|맞춰|맞추|걸어|걸|잡아|해|하|줘|주|보내|울려|울리|띄워|만들어|넣어|켜|남겨|부탁)[가-힣\\s]{0,12}|(?<=(?:라고|다고|자고|[가-힣]기|도록)\\s)${reminderNoun}|(?:상기시켜|기억나게\\s*해|(?:잊지|까먹지)\\s*않(?:게|도록)\\s*(?:해|알려|말해)|안\\s*(?:잊게|까먹게)\\s*(?:해|알려))${giving})$`,
  'u',
);
/** 브리핑해줘 by itself, at a time that repeats. */
const briefs = new RegExp(
  `(?:브리핑|요약\\s*알림)(?:을|를)?\\s*(?:좀\\s*)?(?:해|보내|알려)?${giving}$`,
  'u',
);
/** Requests that are run as a message when their time comes. */
const shows = new RegExp(
  `(?:알려|말해|보여|읽어|보내|얘기해|(?:요약|정리|확인|브리핑|체크|검색)(?:해|하)|찾아)${giving}$`,
  'u',
);

/** Content of a question: with it, 알려줘 asks. */
const asks =
  /뭐|뭘|무엇|무슨|언제|어디|누구|누가|몇|얼마|어떻게|어때|어떤|왜|는지|은지|인지|한지|할지|을지|일지|(?:있|없)(?:어|나|니)|방법|이유|차이|뜻/u;
/** 알람 맞추는 법: a question about this program. */
const howTo = /(?:는지|은지|방법|는\s*법|어떻게)\s*(?:좀\s*)?(?:알려|말해|설명)/u;
/** Days that are left out are not understood. */
const excepts = new RegExp(`${anyMark}\\s*(?:은|는|을|를)?\\s*(?:빼고|제외하고|제외한|말고)`, 'u');
const looksUp =
  /일정|스케줄|스케쥴|캘린더|약속|회의|미팅|메일|이메일|편지|문서|자료|파일|날씨|기온|미세먼지|뉴스|환율|주가|상태|현황|할\s*일|정보|내용|목록|번호|주소|결과|소식|가격|운세|브리핑|요약/u;
const quotes =
  /(?:라고|다고|자고|게|도록|는\s*거|는\s*것|는\s*걸|(?:먹|하|가|오|보|내|사|기|리|치|들|쓰|끄)기)$/u;

export function koreanSchedule(clause: ScheduleClause): ScheduleRequest | null {
  const start = leading.exec(clause.text)?.[0].length ?? 0;
  const end = clause.text.length - (trailing.exec(clause.text)?.[0].length ?? 0);
  if (end <= start) return null;
  // 알려죠, 알려조: of the same length as 알려줘.
  const text = clause.text
    .slice(start, end)
    .replace(/(?<=알려|깨워|말해|해)(?:죠|조|쥬|줭|져)(?=$|\s)/gu, '줘');
  const cut = { ...clause, text, cased: clause.cased.slice(start, end) };
  return timer(cut) ?? alarm(cut) ?? snooze(cut) ?? list(cut) ?? change(cut) ?? set(cut);
}

const again = '(?:다시|또|한\\s*번\\s*더|한번\\s*더|재)';
const namesSnooze = new RegExp(`${again}|스누[즈스]`, 'u');
const snoozes = new RegExp(
  `^(?:(?<when>${group}))?(?:나한테|좀)?\\s*${again}\\s*(?<when2>${group})?(?:알려|깨워|말해|얘기해|울려|리마인드\\s*해|알림(?:을)?\\s*(?:해|줘|보내|울려)?|알람\\s*(?:해|울려)?)${giving}$|^(?:스누즈|스누스)(?:\\s*해)?${giving}$`,
  'u',
);
const postpones = new RegExp(
  `^(?:스누즈\\s*)?(?<amount>[\\d가-힣\\s]{1,12}?)(?:만|정도|쯤)?\\s*(?:더\\s*)?(?:(?:있다가?|이따가?)\\s*)?(?:스누즈|더\\s*자|미뤄|연기해?|늦춰)(?:\\s*해)?${giving}$|^스누즈\\s*(?<amount2>[\\d가-힣\\s]{1,12})$|^(?<amount3>[\\d가-힣\\s]{1,12}?)만\\s*(?:더|있다가?)$|^(?<amount4>[\\d가-힣\\s]{1,12}?)만\\s*더\\s*(?:있다가?|이따가?)\\s*(?:깨워|알려|말해)${giving}$`,
  'u',
);
/** 이따, 나중에: no time. */
const later = /^(?:이따가?|나중에|좀\s*있다가?|조금\s*(?:있다가?|뒤에?|이따가?))\s*/u;

function snooze(clause: ScheduleClause): ScheduleRequest | null {
  const { text, context } = clause;
  const groups = postpones.exec(text)?.groups;
  const amount =
    groups?.['amount'] ?? groups?.['amount2'] ?? groups?.['amount3'] ?? groups?.['amount4'];
  if (amount !== undefined) {
    const [duration, more] = findDurations(amount.trim(), true);
    if (duration === undefined || more !== undefined) return null;
    if (duration.start !== 0 || duration.end < amount.trim().length) return null;
    return { do: 'snooze', when: afterDuration(duration.ms, context) };
  }
  if (!namesSnooze.test(text)) return null;
  const isLater = later.test(text);
  const mask = isLater
    ? maskText({
        ...clause,
        text: text.replace(later, ''),
        cased: clause.cased.slice(text.length - text.replace(later, '').length),
      })
    : maskText(clause);
  const found = snoozes.exec(mask.masked);
  if (found === null) return null;
  const words = [found.groups?.['when'], found.groups?.['when2']];
  const spans = words.flatMap((word) => {
    if (word === undefined) return [];
    const from = mask.masked.indexOf(word);
    return [mask.lower(from, from + word.length)];
  });
  if (spans.length === 0) return { do: 'snooze', when: isLater ? unknown('when', text) : null };
  return { do: 'snooze', when: readWhen(spans.join(' '), context) };
}

const listed = new RegExp(
  `^(?:(?:내|나의|제|지금|현재|예약(?:\\s*(?:된|한|해\\s*둔|해\\s*놓은))?|설정(?:\\s*(?:된|한|해\\s*둔|해\\s*놓은|되어\\s*있는|돼\\s*있는))?|등록(?:\\s*(?:된|한|되어\\s*있는))?|걸어\\s*(?:둔|놓은)|맞춰\\s*(?:둔|놓은)|잡힌|남은|다음|모든|전체|앞으로의?|${anyMark}(?:에|의)?)\\s*)*(?:알림|알람|리마인더|예약\\s*알림)(?:들)?(?:\\s*(?:목록|리스트|내역|현황))?(?:은|는|이|가|을|를|도|좀)?\\s*(?:뭐가?|무엇이?|어떤\\s*(?:거|게|것이?)|몇\\s*개|언제|무슨\\s*거)?\\s*(?:좀\\s*)?(?:있(?:어요?|나요?|니|지|냐|는지|습니까|더라)|남았(?:어|나|지)|걸려\\s*있(?:어|나|지)|(?:알려|보여|말해|읽어|확인해|체크해)${giving}|뭐야|뭐지|뭐예요|확인|목록|리스트)(?:\\s*(?:알려|보여)${giving})?$|^(?:알림|알람|리마인더)\\s*(?:목록|리스트|내역|현황)$`,
  'u',
);

/** 알림이 뭐야: a definition. */
const defines = /^(?:알림|알람|리마인더)(?:이|가|은|는|란|이란)\s*(?:뭐|무엇)/u;

const namesReminder = new RegExp(reminderNoun, 'u');

const timerVerb = `(?:(?:을|를)?\\s*(?:하나|한\\s*개|좀)?\\s*(?:맞춰|맞추|설정|시작|켜|틀어|걸어|재|돌려|세팅|부탁)[가-힣\\s]{0,8})?`;
const timers = new RegExp(
  `^(?<amount>[\\d가-힣\\s]{1,12}?)(?:짜리)?\\s*타이머${timerVerb}$|^타이머\\s*(?:좀\\s*)?(?<amount2>[\\d가-힣\\s]{1,12}?)(?:만|으로|로|짜리)?\\s*${timerVerb}$`,
  'u',
);

/** 타이머 10분, 10분 타이머 맞춰줘. */
function timer({ text, context }: ScheduleClause): ScheduleRequest | null {
  if (!text.includes('타이머')) return null;
  const groups = timers.exec(text)?.groups;
  const amount = (groups?.['amount'] ?? groups?.['amount2'])?.trim();
  if (amount === undefined) return null;
  const [duration, more] = findDurations(amount, true);
  if (duration === undefined || more !== undefined) return null;
  if (duration.start !== 0 || duration.end < amount.length) return null;
  return { do: 'set', kind: 'reminder', text: '타이머', when: afterDuration(duration.ms, context) };
}

const alarms = new RegExp(
  `^${alarmNoun}(?:은|을)?\\s*(?:좀\\s*)?(?<when>${group})$|^(?<when2>${group})\\s*${alarmNoun}(?:을|를)?\\s*(?:하나|한\\s*개|좀)?$`,
  'u',
);

/** 7시 알람, 모닝콜 내일 6시 40분에: without a verb. */
function alarm(clause: ScheduleClause): ScheduleRequest | null {
  if (!/알람|모닝콜/u.test(clause.text)) return null;
  const mask = maskText(clause);
  const found = alarms.exec(mask.masked)?.groups;
  const words = found?.['when'] ?? found?.['when2'];
  if (words === undefined || !/time|duration/.test(marksIn(words).join(' '))) return null;
  const from = mask.masked.indexOf(words);
  const isWake = clause.text.includes('모닝콜');
  const context = { ...clause.context, wakes: isWake || words.includes(marks.date) };
  const when = readWhen(mask.lower(from, from + words.length), context);
  return { do: 'set', kind: 'reminder', text: isWake ? '기상' : '알림', when };
}

const list = (clause: ScheduleClause): ScheduleRequest | null =>
  namesReminder.test(clause.text) &&
  listed.test(maskText(clause).masked) &&
  !defines.test(clause.text)
    ? { do: 'list' }
    : null;

/** Notifications of other programs. */
const foreign = /메신저|문자|휴대폰|핸드폰|폰|앱|어플|메일|푸시|브라우저|택배|배달|방해\s*금지/u;
const changes: readonly (readonly ['pause' | 'resume' | 'cancel', RegExp])[] = [
  [
    'pause',
    /(?:(?:잠깐|잠시|당분간|일단)\s*(?:멈춰|정지|중지|꺼|쉬게|중단)|일시\s*(?:정지|중지|중단)|보류|멈춰|쉬게)[가-힣\s]{0,8}$/u,
  ],
  ['resume', /(?:다시\s*(?:켜|시작|울려|살려|틀어)|재개|재시작|활성화)[가-힣\s]{0,8}$/u],
  [
    'cancel',
    /(?:취소|삭제|지워|지우|꺼|끄|없애|해제|제거|중단|중지|그만|안\s*해도\s*돼|필요\s*없)[가-힣\s]{0,10}$/u,
  ],
];
const ofReminder = new RegExp(
  `^(?<which>.*?)\\s*${reminderNoun}(?:들|은|는|을|를|이|가|좀|도)*\\s*(?<rest>.*)$`,
  'u',
);
const moves = new RegExp(
  `^(?<to>${group})\\s*(?:시간(?:을|으로)?\\s*)?(?:바꿔|변경|옮겨|수정|미뤄|당겨|앞당겨|늦춰|조정|맞춰)[가-힣\\s]{0,8}$`,
  'u',
);

/** 약 알림 시간 바꿔줘: to which one is asked. */
const movesSomewhere =
  /^(?:시간|시각)?(?:을|를|도)?\s*(?:좀\s*)?(?:바꿔|바꾸|변경|수정|옮겨|옮기|미뤄|당겨|늦춰|조정)[가-힣\s]{0,10}$/u;

function change(clause: ScheduleClause): ScheduleRequest | null {
  if (!namesReminder.test(clause.text)) return null;
  const mask = maskText(clause);
  const found = ofReminder.exec(mask.masked);
  if (found === null || foreign.test(clause.text)) return null;
  const { which = '', rest = '' } = found.groups ?? {};
  const selector = selectorOf(which, rest, mask, clause);
  const moved = moves.exec(rest.replace(/^(?:시간(?:을|를)?|시각(?:을|를)?)\s*/u, ''));
  if (moved !== null) {
    const to = moved.groups?.['to'] ?? '';
    const from = mask.masked.lastIndexOf(to);
    const words = mask.lower(from, from + to.length);
    // 알람 7시로 맞춰줘 makes one; 운동 알람 7시로 맞춰줘 moves it.
    if (/^알람.*맞춰/u.test(clause.text) && Object.keys(selector).length === 0) {
      const context = { ...clause.context, wakes: to.includes(marks.date) };
      return { do: 'set', kind: 'reminder', text: '알림', when: readWhen(words, context) };
    }
    return { do: 'move', which: selector, to: moveTarget(words, clause.context) };
  }
  if (movesSomewhere.test(rest)) return { do: 'move', which: selector, to: null };
  // 알람 끄라고 알려줘 is a reminder, not a change of one.
  if (marksIn(rest).length > 0 || /라고|다고|알려|말해|깨워/u.test(rest)) return null;
  const kind = changes.find(([, ending]) => ending.test(rest))?.[0];
  return kind === undefined ? null : { do: kind, which: selector };
}

const everything = /전부|모두|모든|싹\s*다|(?:^|\s)다(?:\s|$)/u;

function selectorOf(
  which: string,
  rest: string,
  mask: MaskedText,
  clause: ScheduleClause,
): ReminderSelector {
  const selector = selectTimes(mask.lower(0, which.length), clause);
  if (everything.test(which) || everything.test(rest)) selector.all = true;
  if (/(?:^|\s)(?:마지막|방금|아까|최근|그|이|저|금방)(?=\s|$)/u.test(which)) selector.last = true;
  const index = /(\d{1,3})\s*번(?:째)?/u.exec(`${which} ${rest}`)?.[1];
  if (index !== undefined) selector.index = Number(index);
  const words = which
    .replace(new RegExp(`${anyMark}${particle}`, 'gu'), ' ')
    .replace(/\d{1,3}\s*번(?:째)?/gu, ' ')
    .replace(
      /전부|모두|모든|싹|방금|아까|마지막|최근|금방|설정한|설정된|등록한|등록된|맞춘|걸어\s*둔|예약한|예약된|내일|시간/gu,
      ' ',
    )
    .replace(/(?<=^|\s)(?:내|제|그|이|저|다|좀|거|것|의|오는|있는|하는|먹는|가는)(?=\s|$)/gu, ' ')
    .replace(/(?<=[가-힣])(?:라는|이라는|하라는|으라는|는|의)(?=\s*$)/u, '')
    .replace(/\s+/g, ' ')
    .trim();
  if (words !== '') selector.words = words;
  return selector;
}

interface Found {
  when: When | null;
  kinds: ReturnType<typeof marksIn>;
  /** As written, with capitals. */
  content: string;
  /** A particle or 뒤에 says that the time is that of the message, not of its content. */
  isAnchored: boolean;
}

/** The words for the time, before or after the content; null if they are in two places that contradict one another. */
function findWhen(
  body: string,
  mask: MaskedText,
  clause: ScheduleClause,
  isWake: boolean,
): Found | null {
  const context = { ...clause.context, wakes: isWake };
  const head = new RegExp(`^${group}`, 'u').exec(body)?.[0] ?? '';
  const rest = body.slice(head.length);
  const tail = new RegExp(`(?<=^|\\s)${group}$`, 'u').exec(rest)?.[0] ?? '';
  const content = mask.original(head.length, body.length - tail.length);
  const kinds = [...marksIn(head), ...marksIn(tail)];
  const isAnchored =
    /(?:에|엔|에는|쯤|마다|경|정도)\s*,?\s*$/u.test(tail || head) || kinds.includes('duration');
  if (head !== '' && tail !== '' && !areComplementary(head, tail)) return null;
  if (kinds.length > 0) {
    const words = [mask.lower(0, head.length), mask.lower(body.length - tail.length, body.length)];
    const when = readWhen(words.join(' ').trim(), context);
    return { when: head !== '' && tail !== '' ? doubtful(when) : when, kinds, content, isAnchored };
  }
  const inner = new RegExp(`(?<=\\s)${group}(?=[^\\s])`, 'u').exec(body);
  if (inner === null || !/에\s*$/u.test(inner[0])) {
    return { when: null, kinds, content: mask.original(0, body.length), isAnchored: false };
  }
  const [from, to] = [inner.index, inner.index + inner[0].length];
  const around = `${mask.original(0, from)} ${mask.original(to, body.length)}`;
  const when = doubtful(readWhen(mask.lower(from, to), context));
  return { when, kinds: marksIn(inner[0]), content: around, isAnchored: true };
}

/** Each of them ends the text, and a mask never stands for words of a verb. */
const verbs = [sets, wakes, tells, shows, briefs];

function set(clause: ScheduleClause): ScheduleRequest | null {
  if (!verbs.some((verb) => verb.test(clause.text))) return null;
  const mask = maskText(clause);
  const { masked } = mask;
  const isWake = wakes.test(masked);
  const strong = sets.exec(masked) ?? wakes.exec(masked);
  const verb = strong ?? tells.exec(masked) ?? shows.exec(masked) ?? briefs.exec(masked);
  if (verb === null || howTo.test(masked) || excepts.test(masked)) return null;
  const body = masked.slice(0, verb.index).trimEnd();
  // An alarm of another day is one to wake up.
  const rings = /알람|모닝콜/u.test(verb[0]) && body.includes(marks.date);
  const rises = /일어나|기상(?=하|\s|$)/u.test(body);
  const found = findWhen(body, mask, clause, isWake || rings || rises);
  if (found === null) return null;
  const { content } = found;
  const isEvery = found.kinds.includes('every');
  if (isEvery && briefs.test(masked) && content === '') {
    return { do: 'set', kind: 'digest', text: '브리핑', when: found.when! };
  }
  // 매주 회의가 언제인지 알려줘 asks now.
  if (strong === null && isEvery && asks.test(content) && !found.kinds.includes('time'))
    return null;
  if (strong === null && isEvery && isRequest(content)) {
    const text = `${content} ${mask.original(verb.index, masked.length)}`;
    return { do: 'set', kind: 'prompt', text: text.trim(), when: found.when! };
  }
  if (strong === null && !isReminder(found, masked)) return null;
  const text = koreanReminderText(content) || (isWake ? '기상' : '알림');
  const isOfZone = namesZone(clause.text);
  const when = isOfZone
    ? unknown('zone', clause.text)
    : (found.when ?? unknown('when', clause.text));
  if (found.when === null && content === '') return null;
  return { do: 'set', kind: 'reminder', text, when };
}

const isRequest = (content: string): boolean =>
  !quotes.test(content) && (looksUp.test(content) || asks.test(content));

/** Whether 알려줘 keeps something for later; else it asks. */
function isReminder({ when, kinds, content, isAnchored }: Found, masked: string): boolean {
  if (!tells.test(masked)) return false;
  if (when === null)
    return quotes.test(content) && content.endsWith('라고') && !/한테|에게|께/u.test(content);
  if (quotes.test(content)) return !asks.test(content.replace(/라고$/u, ''));
  if (asks.test(content) || looksUp.test(content)) return false;
  if (kinds.includes('every')) return true;
  // 내일 알려줘: the hour is asked for.
  if (content === '' && kinds.length === 1 && kinds.includes('date')) return true;
  const hasTime = kinds.includes('time') || kinds.includes('duration');
  return hasTime && isAnchored && content.length <= 40;
}
