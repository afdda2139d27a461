/**
 * The answers of the demo model. Every text of its own must say that it is the demo model; only a document contains
 * nothing but the words of its memo. Pure.
 */
import type { DemoTool } from '#shared/model/demo-rule';
import { classificationJson } from './demo-classifier.ts';
import {
  languageOf,
  lastUserText,
  userMessageOf,
  toolResults,
  wantsClassification,
  wantsDocument,
  type DemoRequest,
} from './demo-request.ts';

export type DemoAnswer =
  | { kind: 'text'; text: string }
  | { kind: 'call'; name: string; arguments: string };

/** Longer questions are truncated in quotes. */
const quoteCharsMax = 80;
const resultsMax = 5;

function quote(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  const begin = new RegExp(`^.{${quoteCharsMax}}(?=.)`, 'u').exec(line);
  return begin ? `${begin[0]}…` : line;
}

const koShort = (message: string): string =>
  `(연습용 모델) "${quote(message)}"라고 하셨군요. 저는 실제 언어 모델이 아니라 Gatehouse에 들어 있는 연습용 모델이라, 정해진 문장으로만 답합니다.`;

const enShort = (message: string): string =>
  `(practice model) You said: "${quote(message)}". I am not a real language model but the practice model that comes with Gatehouse, so I answer with fixed sentences only.`;

const koLong = (
  message: string,
): string => `(연습용 모델) "${quote(message)}"에 대한 연습용 답입니다. 저는 실제 언어 모델이 아니라 Gatehouse에 들어 있는 연습용 모델입니다. 내용은 정해져 있지만, 답이 오는 길은 진짜와 똑같습니다.

지금 이 답은 이렇게 여기까지 왔습니다. 먼저 메시지가 저장되고, 분류 단계에서 깊이 생각해야 하는 질문이라고 판단되었습니다. 그다음 추론 단계가 모델 서버 앞의 게이트에서 차례를 기다렸다가 허가를 받았고, 그 뒤로 단어가 하나씩 흘러오고 있습니다.

이렇게 천천히 쓰는 데에는 이유가 있습니다. 답이 흐르는 동안 다른 메시지를 보내면 대기 순서를 볼 수 있고, 취소하면 게이트가 바로 비는 것을 볼 수 있습니다. 상태 그림을 열어 두면 어느 단계에 있는지도 함께 움직입니다.

실제 모델로 바꾸려면 이 컴퓨터에서 Ollama나 llama.cpp 같은 모델 서버를 켜고 Gatehouse를 다시 시작하세요. 설정 파일의 backends에 주소와 모델 이름을 적어도 됩니다.`;

const enLong = (
  message: string,
): string => `(practice model) This is a practice answer to "${quote(message)}". I am not a real language model but the practice model that comes with Gatehouse. The words are fixed, but the way on which they reach you is the real one.

This answer came here as follows. Your message was stored first, then classified as a question that needs thinking. The reasoning step waited in line at the gate in front of the model server, was let in, and since then the words arrive one by one.

There is a reason for writing this slowly. Send another message while this one is being answered, and you see its place in the queue; cancel, and you see how the gate is free at once. With the chart open, you can watch the state move along.

To use a real model, start a model server such as Ollama or llama.cpp on this machine and restart Gatehouse, or write its address and model under backends in the configuration file.`;

const isLong = (message: string): boolean =>
  message.length > 40 ||
  /설명|분석|비교|자세히|이유|정리|요약|작성|계획|explain|why|compare|describe|write|plan/i.test(
    message,
  );

/** All JSON strings under this name, anywhere in the text. */
function jsonStringsNamed(name: string, where: string): string[] {
  const pattern = new RegExp(`"${name}"\\s*:\\s*("(?:[^"\\\\]|\\\\.)*")`, 'g');
  return [...where.matchAll(pattern)].flatMap((match) => {
    try {
      return [String(JSON.parse(match[1] ?? '""'))];
    } catch {
      return [];
    }
  });
}

/** A memo as markdown: the first line as the title, the others as list items unless they are markdown already. */
export function memoToMarkdown(memo: string): string {
  const lines = memo
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const [first = '', ...rest] = lines;
  if (first.startsWith('#') || lines.length === 0) return memo.trim();
  if (rest.length === 0) return `# ${quote(first)}\n\n${first}`;
  const list = rest.map((line) => (/^(?:[-*#>]|\d+\.)/.test(line) ? line : `- ${line}`));
  return `# ${first}\n\n${list.join('\n')}`;
}

/** The answer that lists what the tools found. */
function foundAnswer(results: string[], ko: boolean): string {
  const titles = [...new Set(jsonStringsNamed('title', results.join('\n')))].slice(0, resultsMax);
  if (titles.length === 0) {
    return ko ? '(연습용 모델) 찾은 것이 없습니다.' : '(practice model) Nothing was found.';
  }
  const named = titles.map((title) => `- ${title}`).join('\n');
  return ko ? `(연습용 모델) 찾은 것:\n${named}` : `(practice model) What was found:\n${named}`;
}

/** The answer to this request. `nowMs`: epoch ms. */
export function demoAnswer(
  request: DemoRequest,
  nowMs: number,
  demoTools: readonly DemoTool[] = [],
): DemoAnswer {
  if (wantsClassification(request)) {
    return { kind: 'text', text: classificationJson(request, nowMs, demoTools) };
  }
  const message = userMessageOf(request);
  const ko = languageOf(request) === 'ko';
  if (wantsDocument(request)) return { kind: 'text', text: memoToMarkdown(message) };
  const results = toolResults(request);
  const [tool] = request.tools;
  if (results.length > 0) return { kind: 'text', text: foundAnswer(results, ko) };
  if (request.mayCall && tool) {
    const [parameter] = tool.textParameters;
    const given = parameter === undefined ? {} : { [parameter]: message };
    return { kind: 'call', name: tool.name, arguments: JSON.stringify(given) };
  }
  // A request to summarize a tool result contains the tool's own summary.
  const summaries = jsonStringsNamed('summary', lastUserText(request)).filter(
    (each) => each !== '',
  );
  if (summaries.length > 0) {
    const summaryText = summaries.join('\n');
    return {
      kind: 'text',
      text: ko ? `(연습용 모델) ${summaryText}` : `(practice model) ${summaryText}`,
    };
  }
  if (isLong(message)) return { kind: 'text', text: ko ? koLong(message) : enLong(message) };
  return { kind: 'text', text: ko ? koShort(message) : enShort(message) };
}
