/** A message that needs a model to become a draft of a calendar entry, and what the classifier answers to it. */
import { saysJson } from './fake-llm-replies.ts';

export const dentistMessage = '2031년 3월 5일 3시에 치과 잡아줘';

export const wantsDentist = saysJson({
  action: 'tools',
  tool: 'calendar',
  operation: 'create_draft',
  params: { title: '치과', date: '2031-03-05', time: '15:00' },
});
