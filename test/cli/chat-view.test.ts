/** What the view of a job in the terminal prints. */
import { expect, test } from 'vitest';
import { ChatView } from '#cli/chat-view';
import { chatTexts } from '#cli/chat-texts';
import type { StateEvent } from '#shared/wire/state-event';

const done = (data: Record<string, unknown>): StateEvent =>
  ({ type: 'done', state: 'done', job_id: 'j', data }) as unknown as StateEvent;

function printed(data: Record<string, unknown>, locale: 'ko' | 'en'): string {
  let err = '';
  const terminal = {
    isLive: false,
    isColoured: false,
    out: () => {},
    err: (text: string) => (err += text),
  };
  new ChatView(terminal, Date.now(), chatTexts(locale)).event(
    done({ outcome: 'answered', ...data }),
  );
  return err;
}

test('The terminal shows what an answer offers as the words that mean the same', () => {
  const told = printed({ reply: '⏰ 2026-12-03에 알려드릴게요: 약 먹기', offers: ['undo'] }, 'ko');
  expect(told).toContain('↩ 되돌리기');
  expect(told).toContain('‘되돌려줘’라고 답하세요');
  const english = printed({ reply: '⏰ Take the pill', offers: ['snooze'] }, 'en');
  expect(english).toContain('say: snooze for 10 minutes');
  expect(printed({ reply: 'Hello' }, 'en')).not.toContain('say:');
});
