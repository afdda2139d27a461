/** The request to the classifier. For low latency the constant parts come first, the current time at the very end. */
import type { LocalNow } from '#shared/calendar/civil-date';
import type { ChatMessage } from '#shared/model/model';
import { memoryText, type RememberedFact } from './memory-text.ts';
import { formatCurrentTime } from './prompts.ts';
import { truncateText, cleanText } from '../normalize-text.ts';
import type { ModelOperation, ModelParam } from '../classification/operation-port.ts';

/** Operations that draft come first: servers with structured output write properties in the order of the schema. */
const draftsFirst = (offers: readonly ModelOperation[]): ModelOperation[] =>
  offers.toSorted((a, b) => Number(b.effect === 'drafts') - Number(a.effect === 'drafts'));

/** The parameters of all operations, texts before numbers. A name with two types gets both. */
function paramProperties(offers: readonly ModelOperation[]): Record<string, { type?: unknown }> {
  const types = new Map<string, Set<string>>();
  for (const [name, { type }] of offers.flatMap(({ params }) => Object.entries(params))) {
    const known = types.get(name) ?? new Set();
    types.set(name, type === undefined ? known : known.add(type));
  }
  const rank = ([, own]: [string, Set<string>]): number => (own.has('string') ? 0 : 1);
  return Object.fromEntries(
    [...types]
      .toSorted((a, b) => rank(a) - rank(b))
      .map(([name, [type, ...more]]) => [name, { type: more.length > 0 ? [type, ...more] : type }]),
  );
}

/** JSON schema of the classifier's answers, limited to the offered operations, for servers with structured output. */
export function classificationSchemaOf(offers: readonly ModelOperation[]): {
  name: string;
  schema: Record<string, unknown>;
} {
  return {
    name: 'classification',
    schema: {
      type: 'object',
      properties: {
        action: { type: 'string', enum: ['direct', 'route', 'clarify', 'tools', 'system_status'] },
        response: { type: 'string' },
        prompt: { type: 'string' },
        tool: { type: 'string', enum: ['', ...new Set(offers.map(({ tool }) => tool))] },
        operation: {
          type: 'string',
          enum: ['', ...new Set(offers.map(({ operation }) => operation))],
        },
        params: {
          type: 'object',
          properties: paramProperties(draftsFirst(offers)),
          additionalProperties: false,
        },
      },
      required: ['action'],
      additionalProperties: false,
    },
  };
}

/** `"date":"YYYY-MM-DD"`, `"days":숫자`, `"query"`. */
function paramText(name: string, { type, hint, enum: values }: ModelParam): string {
  const text = hint ?? values?.join('|');
  if (text !== undefined) return `"${name}":"${text}"`;
  return type === 'integer' || type === 'number' ? `"${name}":숫자` : `"${name}"`;
}

/**
 * One line per operation: what it does, its parameters, and which of them may be left out. The form of a parameter is
 * given where its name occurs first: a small model is slow on a long prompt.
 */
function operationTexts(offers: readonly ModelOperation[]): string {
  const given = new Set<string>();
  const textOf = (name: string, param: ModelParam): string => {
    const text = paramText(name, param);
    if (given.has(text)) return `"${name}"`;
    given.add(text);
    return text;
  };
  const lines = offers.map(({ tool, operation, summary, effect, params, required }) => {
    const all = Object.entries(params).map(([name, param]) => textOf(name, param));
    const omit = effect === 'drafts' ? '; 모르는 값은 넣지 않는다' : '; 필요한 것만 넣는다';
    const hint = all.length > required.length ? omit : '';
    return `- ${tool}.${operation}: ${summary}. params: {${all.join(',')}}${hint}`;
  });
  return lines.join('\n');
}

const systemPrompt = (offers: readonly ModelOperation[]): string =>
  `당신은 개인 비서의 분류기입니다. 사용자의 마지막 메시지를 보고 JSON 객체 하나만 출력합니다. 설명, 코드 블록, 생각 과정은 쓰지 않습니다.

형식: {"action":"direct|route|clarify|tools|system_status","response":"","prompt":"","tool":"","operation":"","params":{}}

action:
- direct: 인사, 잡담, 짧고 쉬운 질문. response에 답을 씁니다.
- clarify: 꼭 필요한 것을 모를 때. response에 되물을 말을 한 문장으로 씁니다.
- route: 설명, 글쓰기, 코드, 분석처럼 깊이 생각해야 할 때. prompt에 질문을 정리합니다. 답은 쓰지 않습니다.
- tools: 아래 도구가 필요할 때. tool, operation, params를 씁니다.
- system_status: 이 시스템의 서버, 모델, 대기열의 상태를 물을 때.

도구:
${operationTexts(offers)}

규칙:
- 목록에 없는 도구나 동작은 쓰지 않습니다. 일정의 변경과 삭제, 메일 보내기는 할 수 없으니 direct로 그렇게 답합니다.
- 날짜는 마지막 메시지의 현재 시각을 기준으로 계산합니다. 확실하지 않으면 사용자가 쓴 말(예: "다음 주 화요일")을 그대로 씁니다.
- 사용자가 말하지 않은 날짜, 시간, 사람은 지어내지 않습니다.
- response는 사용자의 언어로 씁니다.`;

interface Example {
  message: string;
  output: Record<string, unknown>;
}

/** One example of each action; the operations that draft come early, those that read at the end. */
function examplesOf(offers: readonly ModelOperation[]): Example[] {
  const ofTools = (effect: ModelOperation['effect']): Example[] =>
    offers
      .filter((offer) => offer.effect === effect)
      .flatMap(({ tool, operation, examples }) =>
        examples.map(({ message, params }) => ({
          message,
          output: { action: 'tools', tool, operation, params },
        })),
      );
  return [
    {
      message: '안녕, 잘 지냈어?',
      output: { action: 'direct', response: '네, 잘 지냈어요. 무엇을 도와드릴까요?' },
    },
    ...ofTools('drafts'),
    {
      message: '그거 옮겨줘',
      output: { action: 'clarify', response: '어떤 것을 말씀하시는지 알려주시겠어요?' },
    },
    {
      message: 'Compare SQLite and Postgres for a small home server',
      output: { action: 'route', prompt: 'Compare SQLite and Postgres for a small home server' },
    },
    ...ofTools('reads'),
  ];
}

/**
 * The external tools for one message: beside the message and not in the system prompt, which stays the same for every
 * message. Empty if there are none.
 */
export const externalToolsText = (offers: readonly ModelOperation[]): string =>
  offers.length === 0
    ? ''
    : `[외부 도구] 이 메시지에는 아래 도구도 위의 도구처럼 쓸 수 있습니다. 위에서 할 수 없다고 한 일도 아래 도구로는 할 수 있습니다.\n${operationTexts(offers)}\n`;

const classifierUserMessage = (message: string, clock: string, chosen: string): string =>
  `${chosen}[현재 시각] ${clock}\n[메시지] ${message}`;

export interface ClassifierPrompt extends LocalNow {
  message: string;
  /** Messages of user and assistant, oldest first, already cut to length. */
  history: readonly ChatMessage[];
  operations: readonly ModelOperation[];
  /** Chosen for this message. */
  externalOperations?: readonly ModelOperation[];
  /** What the person has asked to remember and fits the message. */
  facts?: readonly RememberedFact[];
}

/** The request to the classifier. Everything before the history is the same for every message. */
export function classifierMessages(prompt: ClassifierPrompt): ChatMessage[] {
  const { message, history, now, timeZone, operations, externalOperations = [], facts } = prompt;
  return [
    { role: 'system', content: systemPrompt(operations) },
    ...examplesOf(operations).flatMap((example): ChatMessage[] => [
      { role: 'user', content: `[메시지] ${example.message}` },
      { role: 'assistant', content: JSON.stringify(example.output) },
    ]),
    ...history,
    {
      role: 'user',
      content: classifierUserMessage(
        cleanText(message),
        formatCurrentTime(now, timeZone),
        externalToolsText(externalOperations) + memoryText(facts, 'ko'),
      ),
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
