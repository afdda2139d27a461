/** A core with documents, whose role `react` is the large fake model server. */
import { openCore, type ConfigInput, type CoreFixture } from '#test/support/core';
import type { ChatMessage } from '#shared/model/model';

export interface ReactBody {
  answer: string;
  sources: { id: string; title: string; snippet: string }[];
  partial: boolean;
  tool_rounds: number;
  llm_calls: number;
  backend: string;
  debug_trace: Record<string, unknown>[] | null;
  code?: string;
  error_reason?: string;
}

export interface AskSetting {
  fixture: CoreFixture;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  react(question: unknown): Promise<{ status: number; body: ReactBody }>;
  stream(question: unknown, init?: RequestInit): Promise<Response>;
  bring(title: string, text: string, user?: string): Promise<string>;
  /** The conversation of the n-th request to the large model, from 0. */
  messages(n: number): ChatMessage[];
  close(): Promise<void>;
}

export const reactRoles = { classifier: 'small', reasoner: 'large', ask: 'large', react: 'large' };

export async function openAsk(change: ConfigInput = { roles: reactRoles }): Promise<AskSetting> {
  const fixture = await openCore(change);
  const post: AskSetting['post'] = (path, body, init = {}) =>
    fetch(`${fixture.core.url}${path}`, { method: 'POST', body: JSON.stringify(body), ...init });
  return {
    fixture,
    post,
    async react(question) {
      const response = await post('/ask/react', question);
      return { status: response.status, body: (await response.json()) as ReactBody };
    },
    stream: (question, init = {}) =>
      post('/ask/react', question, { ...init, headers: { accept: 'text/event-stream' } }),
    async bring(title, text, user = 'local') {
      const response = await post('/documents', { title, text, user_id: user });
      return ((await response.json()) as { id: string }).id;
    },
    messages: (n) => fixture.large.requests[n]!.body.messages,
    close: () => fixture.close(),
  };
}

/** Every tool call of a conversation, and how often each was answered. */
export function answersOf(messages: readonly ChatMessage[]): [id: string, times: number][] {
  const ids = messages.flatMap(({ tool_calls: calls = [] }) => calls.map(({ id }) => id));
  return ids.map((id) => [id, messages.filter((one) => one.tool_call_id === id).length]);
}

/** The contents of the tool messages, in order. */
export const toolTexts = (messages: readonly ChatMessage[]): string[] =>
  messages.filter(({ role }) => role === 'tool').map(({ content }) => content);

export const eventsOf = (text: string): [string, Record<string, unknown>][] =>
  [...text.matchAll(/^event: (.+)\ndata: (.+)$/gm)].map(([, type, data]) => [
    type!,
    JSON.parse(data!) as Record<string, unknown>,
  ]);
