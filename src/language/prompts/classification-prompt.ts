/**
 * The request to the classifier model. The order keeps latency low: system prompt and examples never change, then comes
 * the history, and the current time stands with the message at the very end.
 */
import type { ChatMessage } from '#shared/model/model';
import { formatCurrentTime } from './current-time-prompt.ts';
import { truncateText, cleanText } from '../normalize-text.ts';
import { modelOperations, paramNames } from '../classification/model-operations.ts';

/** An operation that the model may request. */
export interface OfferedOperation {
  tool: string;
  operation: string;
  /** One line: what it does and its parameters. */
  summary: string;
}

/** The tools of a standard installation; pass fewer where some are disabled. */
export const standardOperations: readonly OfferedOperation[] = [
  { tool: 'calendar', operation: 'today', summary: '오늘 일정. params: {}' },
  {
    tool: 'calendar',
    operation: 'search',
    summary:
      '기간의 일정이나 낱말이 든 일정. params: {"date_from":"YYYY-MM-DD","date_to":"YYYY-MM-DD","query"}; 필요한 것만 넣는다',
  },
  {
    tool: 'calendar',
    operation: 'create_draft',
    summary:
      '일정 초안. 사용자가 확인해야 등록된다. params: {"title","date":"YYYY-MM-DD","time":"HH:MM","end_time":"HH:MM","end_date":"YYYY-MM-DD","location","description"}; 모르는 값은 넣지 않는다',
  },
  {
    tool: 'email',
    operation: 'search',
    summary:
      '메일 검색. params: {"query","from","days":숫자,"date_from","date_to","folder"}; 필요한 것만 넣는다',
  },
  { tool: 'document', operation: 'search', summary: '문서 검색. params: {"query"}' },
];

const paramTypes: Readonly<Record<string, 'string' | 'integer'>> = {
  title: 'string',
  date: 'string',
  time: 'string',
  end_time: 'string',
  end_date: 'string',
  location: 'string',
  description: 'string',
  date_from: 'string',
  date_to: 'string',
  query: 'string',
  from: 'string',
  folder: 'string',
  days: 'integer',
};

/** JSON schema of the classifier's answers, limited to the offered operations, for servers with structured output. */
export function classificationSchemaOf(offers: readonly OfferedOperation[]): {
  name: string;
  schema: Record<string, unknown>;
} {
  const offered = modelOperations.filter((name) =>
    offers.some(({ tool, operation }) => name === `${tool}.${operation}`),
  );
  const split = offered.map((name) => name.split('.') as [string, string]);
  const params = new Set(offered.flatMap(paramNames));
  return {
    name: 'classification',
    schema: {
      type: 'object',
      properties: {
        action: { type: 'string', enum: ['direct', 'route', 'clarify', 'tools', 'system_status'] },
        response: { type: 'string' },
        prompt: { type: 'string' },
        tool: { type: 'string', enum: ['', ...new Set(split.map(([tool]) => tool))] },
        operation: { type: 'string', enum: ['', ...new Set(split.map(([, name]) => name))] },
        params: {
          type: 'object',
          properties: Object.fromEntries(
            Object.entries(paramTypes)
              .filter(([name]) => params.has(name))
              .map(([name, type]) => [name, { type }]),
          ),
          additionalProperties: false,
        },
      },
      required: ['action'],
      additionalProperties: false,
    },
  };
}

/** The schema of a standard installation. */
export const classificationSchema = classificationSchemaOf(standardOperations);

const systemPrompt = (offers: readonly OfferedOperation[]): string =>
  `당신은 개인 비서의 분류기입니다. 사용자의 마지막 메시지를 보고 JSON 객체 하나만 출력합니다. 설명, 코드 블록, 생각 과정은 쓰지 않습니다.

형식: {"action":"direct|route|clarify|tools|system_status","response":"","prompt":"","tool":"","operation":"","params":{}}

action:
- direct: 인사, 잡담, 짧고 쉬운 질문. response에 답을 씁니다.
- clarify: 꼭 필요한 것을 모를 때. response에 되물을 말을 한 문장으로 씁니다.
- route: 설명, 글쓰기, 코드, 분석처럼 깊이 생각해야 할 때. prompt에 질문을 정리합니다. 답은 쓰지 않습니다.
- tools: 아래 도구가 필요할 때. tool, operation, params를 씁니다.
- system_status: 이 시스템의 서버, 모델, 대기열의 상태를 물을 때.

도구:
${offers.map(({ tool, operation, summary }) => `- ${tool}.${operation}: ${summary}`).join('\n')}

규칙:
- 목록에 없는 도구나 동작은 쓰지 않습니다. 일정의 변경과 삭제, 메일 보내기는 할 수 없으니 direct로 그렇게 답합니다.
- 날짜는 마지막 메시지의 현재 시각을 기준으로 계산합니다. 확실하지 않으면 사용자가 쓴 말(예: "다음 주 화요일")을 그대로 씁니다.
- 사용자가 말하지 않은 날짜, 시간, 사람은 지어내지 않습니다.
- response는 사용자의 언어로 씁니다.`;

interface Example {
  message: string;
  output: Record<string, unknown>;
}

/** Date words instead of dates, so that the examples are valid on every day. */
const examples: readonly Example[] = [
  {
    message: '안녕, 잘 지냈어?',
    output: { action: 'direct', response: '네, 잘 지냈어요. 무엇을 도와드릴까요?' },
  },
  {
    message: '내일 3시에 치과 예약 잡아줘',
    output: {
      action: 'tools',
      tool: 'calendar',
      operation: 'create_draft',
      params: { title: '치과', date: '내일', time: '15:00' },
    },
  },
  {
    message: '그거 옮겨줘',
    output: { action: 'clarify', response: '어떤 것을 말씀하시는지 알려주시겠어요?' },
  },
  {
    message: 'Compare SQLite and Postgres for a small home server',
    output: { action: 'route', prompt: 'Compare SQLite and Postgres for a small home server' },
  },
  {
    message: '세금 계산서 메일 온 거 찾아봐',
    output: {
      action: 'tools',
      tool: 'email',
      operation: 'search',
      params: { query: '세금 계산서' },
    },
  },
];

/** Drops examples of tools that are not offered: they would teach the model to request them. */
const isOfferedExample =
  (offers: readonly OfferedOperation[]) =>
  ({ output: answer }: Example): boolean =>
    answer['tool'] === undefined || offers.some(({ tool }) => tool === answer['tool']);

const classifierUserMessage = (message: string, clock: string): string =>
  `[현재 시각] ${clock}\n[메시지] ${message}`;

export interface ClassifierPrompt {
  message: string;
  /** Messages of user and assistant, oldest first, already cut to length. */
  history: readonly ChatMessage[];
  /** Epoch milliseconds. */
  now: number;
  /** IANA name. */
  timeZone: string;
  tools?: readonly OfferedOperation[];
}

/** The request to the classifier. Everything before the history is the same for every message. */
export function classifierMessages(prompt: ClassifierPrompt): ChatMessage[] {
  const { message, history, now, timeZone, tools = standardOperations } = prompt;
  return [
    { role: 'system', content: systemPrompt(tools) },
    ...examples.filter(isOfferedExample(tools)).flatMap((example): ChatMessage[] => [
      { role: 'user', content: `[메시지] ${example.message}` },
      { role: 'assistant', content: JSON.stringify(example.output) },
    ]),
    ...history,
    {
      role: 'user',
      content: classifierUserMessage(cleanText(message), formatCurrentTime(now, timeZone)),
    },
  ];
}

/** Enough to show the model its mistake, too little to fill its context with a repetition loop. */
const badAnswerCharsMax = 600;

/** The single retry after an unreadable answer: the same request, the bad answer, and what was wrong. */
export function repairMessages(request: readonly ChatMessage[], raw: string): ChatMessage[] {
  const answer = truncateText(cleanText(raw).trim(), badAnswerCharsMax);
  return [
    ...request,
    { role: 'assistant', content: answer === '' ? '(빈 답)' : answer },
    {
      role: 'user',
      content:
        '방금 답은 읽을 수 없거나 허용되지 않은 도구입니다. 같은 메시지를 다시 분류해서, 정해진 형식의 JSON 객체 하나만 출력하세요. 다른 글자는 쓰지 마세요.',
    },
  ];
}
