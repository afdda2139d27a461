/** The classifier of the demo model: a few simple rules, enough to reach every path of a job. Pure. */
import { civilNow } from '#shared/calendar/civil-date';
import type { DemoContext, DemoTool } from '#shared/model/demo-rule';
import { languageOf, userMessageOf, todayOf, type DemoRequest } from './demo-request.ts';

export interface Classification {
  action: 'direct' | 'route' | 'clarify' | 'tools';
  response?: string;
  prompt?: string;
  tool?: string;
  operation?: string;
  params?: Record<string, unknown>;
}

const deep =
  /설명|분석|비교|자세히|왜 |이유|정리해|요약|작성|써 ?줘|계획|추천|\b(?:explain|why|compare|analy[sz]e|describe|write|plan|summari[sz]e|how do(?:es)?)\b/i;
const vague =
  /^(?:그거|그것|저거|이거|그때|해 ?줘|아까 그거|that|it|do it|this)(?:\s*(?:해 ?줘|좀|please))?[.!?]*$/i;
const greeting = /^(?:안녕|반가|하이|ㅎㅇ|hello|hi\b|hey\b|good (?:morning|evening))/i;
const thanks = /고마|감사|thank/i;

/** The decision of the first tool that takes the message. */
function classifyForTools(
  message: string,
  tools: readonly DemoTool[],
  context: DemoContext,
): Classification | null {
  for (const { name, demo } of tools) {
    const found = demo(message, context);
    if (found === null) continue;
    return 'question' in found
      ? { action: 'clarify', response: found.question }
      : { action: 'tools', tool: name, ...found };
  }
  return null;
}

/** Classifies the message of the request. `nowMs` is used only when the prompt contains no date. */
export function classify(
  request: DemoRequest,
  nowMs: number,
  tools: readonly DemoTool[],
): Classification {
  const message = userMessageOf(request);
  const locale = languageOf(request);
  const ko = locale === 'ko';
  if (vague.test(message)) {
    const response = ko
      ? '무엇을 도와드릴까요? 조금 더 자세히 말씀해 주세요.'
      : 'What do you mean exactly?';
    return { action: 'clarify', response };
  }
  const isDeep = deep.test(message);
  const today = todayOf(request) ?? civilNow(nowMs, 'UTC').today;
  const taken = classifyForTools(message, tools, { today, locale, isDeep });
  if (taken !== null) return taken;
  if (isDeep) return { action: 'route', prompt: message };
  if (greeting.test(message)) {
    const response = ko
      ? '안녕하세요! 저는 연습용 모델입니다. 정해진 규칙으로만 답합니다.'
      : 'Hello! I am the practice model. I answer by fixed rules only.';
    return { action: 'direct', response };
  }
  if (thanks.test(message)) {
    return {
      action: 'direct',
      response: ko ? '천만에요. (연습용 모델)' : 'You are welcome. (practice model)',
    };
  }
  // An empty response: the answer is then streamed, so that streaming is visible.
  return { action: 'direct', response: '' };
}

/** The classification as JSON, with all fields that the schema requires. */
export function classificationJson(
  request: DemoRequest,
  nowMs: number,
  tools: readonly DemoTool[],
): string {
  const decided: Record<string, unknown> = { ...classify(request, nowMs, tools) };
  for (const name of request.schema?.required ?? []) {
    if (!(name in decided)) decided[name] = name === 'params' ? {} : '';
  }
  return JSON.stringify(decided);
}
