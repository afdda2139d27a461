/** Shared by the tests of drafts: a real core whose drafter answers as the memo says, and calls to add memos. */
import { onTestFinished } from 'vitest';
import type { DocumentEvent } from '#shared/wire/document-event';
import type { DraftOverview } from '#shared/wire/document-views';
import { openCore, type CoreFixture } from '#test/support/core';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { fails, says, type FakeReply } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import type { CoreOptions } from '#app/core';

export type Row = Record<string, unknown> & { id: string };

export interface DraftsFixture {
  fixture: CoreFixture;
  /** The server of the role `drafter`: it answers by the memo unless another reply was scripted. */
  model: FakeLlm;
  /** Sends JSON and returns the HTTP status and the parsed body. */
  call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }>;
  memo(text: string, more?: Record<string, unknown>): Promise<string>;
  promote(id: string, userId?: string): Promise<void>;
  /** Adds a memo and promotes it. */
  promoted(text: string, userId?: string): Promise<string>;
  document(id: string, userId?: string): Promise<Row>;
  overview(): Promise<DraftOverview>;
  events(id: string): Promise<DocumentEvent[]>;
  /** Waits until the newest event of the document has this type. */
  waitForEvent(id: string, type: DocumentEvent['type']): Promise<void>;
}

/**
 * The unscripted reply of the drafter: an error if the memo contains FAIL, an error the first time if it contains
 * FLAKY, else a small document made of the memo.
 */
function draftsByMemo(): FakeReply {
  const failed = new Set<string>();
  return (exchange) => {
    const { content } = exchange.request.body.messages.at(-1)!;
    const isFirst = content.includes('FLAKY') && !failed.has(content);
    failed.add(content);
    if (isFirst || content.includes('FAIL')) return fails(500)(exchange);
    const [, memo = ''] = /<memo>\n([^]*)\n<\/memo>/.exec(content) ?? [];
    return says(`# 제목\n\n${memo}`)(exchange);
  };
}

/** A short interval, so that tests do not wait; all other settings are as in production. */
export const quick = { intervalMs: 100, batch: 5, maxAttempts: 3 };

export async function openDrafts(
  change: Record<string, unknown> & { drafts?: Record<string, unknown> } = {},
  options: Partial<CoreOptions> = {},
): Promise<DraftsFixture> {
  const model = await startFakeLlm({ reply: draftsByMemo() });
  onTestFinished(() => model.close());
  const fixture = await openCore(
    (small, large) => ({
      backends: [
        { id: 'small', baseUrl: small.baseUrl, model: 'm' },
        { id: 'large', baseUrl: large.baseUrl, model: 'm' },
        { id: 'drafter', baseUrl: model.baseUrl, model: 'm' },
      ],
      roles: { classifier: 'small', reasoner: 'large', drafter: 'drafter' },
      ...change,
      drafts: { ...quick, ...change.drafts },
    }),
    options,
  );
  onTestFinished(() => fixture.close());
  return createFixture(fixture, model);
}

function createFixture(fixture: CoreFixture, model: FakeLlm): DraftsFixture {
  const call: DraftsFixture['call'] = async (method, path, body) => {
    const response = await fetch(`${fixture.core.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
    };
  };
  const setting: DraftsFixture = {
    fixture,
    model,
    call,
    async memo(text, more = {}) {
      const { body } = await call('POST', '/memos', { text, ...more });
      return String(body['id']);
    },
    async promote(id, userId = 'local') {
      await call('POST', `/memos/${id}/promote-to-document`, { user_id: userId });
    },
    async promoted(text, userId = 'local') {
      const id = await setting.memo(text, { user_id: userId });
      await setting.promote(id, userId);
      return id;
    },
    async document(id, userId = 'local') {
      return (await call('GET', `/documents/${id}?user_id=${userId}`)).body as Row;
    },
    overview: async () => (await call('GET', '/drafts')).body as unknown as DraftOverview,
    events: (id) => fixture.core.drafts.events.ofDocument(id, 0, 1_000),
    waitForEvent: (id, type) => until(async () => (await setting.events(id)).at(-1)?.type === type),
  };
  return setting;
}

export const types = (events: readonly DocumentEvent[]): string[] => events.map(({ type }) => type);
