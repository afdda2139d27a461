/** A draft actor at work, for the screenshots: one memo is being drafted, two wait, one is dead. */
import type { DraftOverview, DraftView } from '#shared/wire/document-views';

const minutes = (n: number): string => new Date(Date.now() + n * 60_000).toISOString();

const memo = (
  id: string,
  title: string,
  user: string,
  more: Partial<DraftView> = {},
): DraftView => ({
  document_id: id,
  title,
  user_id: user,
  state: 'waiting',
  memo_chars: 480,
  attempts: 0,
  queued_at: minutes(-20),
  due_at: minutes(-1),
  last_error: null,
  ...more,
});

export const busyDrafts = (): DraftOverview => ({
  state: 'drafting',
  paused: false,
  paused_at: null,
  window: { hours: '00:00-07:00', open: true, opens_at: null },
  interval_ms: 120_000,
  max_attempts: 5,
  running: {
    document_id: 'd1',
    title: '회의 메모 0312',
    user_id: 'ann',
    attempt: 1,
    since: minutes(-0.6),
    waits_at_gate: false,
    progress: { chars: 612, memo_chars: 1_340, section: 1, sections: 1 },
    preemptions: 1,
  },
  waiting: [
    memo('d2', '압력용기 점검 기록', 'bob'),
    memo('d3', 'Notes on the boiler', 'chul', {
      attempts: 2,
      due_at: minutes(9),
      last_error: { code: 'GH_DRAFT_EMPTY', message: 'The model gave no text for the draft' },
    }),
  ],
  dead: [
    memo('d4', '잘린 메모', 'dana', {
      state: 'dead',
      attempts: 5,
      due_at: null,
      last_error: { code: 'GH_DRAFT_TRUNCATED', message: 'The draft was cut at its limit' },
    }),
  ],
  drafted: [
    { document_id: 'd5', title: '견적 요청 정리', user_id: 'ann', at: minutes(-12) },
    { document_id: 'd6', title: 'Trip to Busan', user_id: 'bob', at: minutes(-45) },
  ],
});
