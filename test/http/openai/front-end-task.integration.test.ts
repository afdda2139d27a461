/** Title, tag and follow-up prompts of chat front ends, recognised by their form, and messages that resemble them. */
import { describe, expect, test } from 'vitest';
import { isFrontEndTask } from '#http/openai/front-end-task';
import { says } from '#test/support/fake-llm-replies';
import { openOpenAiFixture, user } from './openai-fixture.ts';

const said = (content: unknown) => ({ role: 'user' as const, content });
const system = (content: string) => ({ role: 'system' as const, content });

const tasks = [
  [
    said(
      '### Task:\nWrite a short title with an emoji for this chat.\n### Output:\nJSON\n### Chat History:\n<chat_history>\nUSER: book the dentist tomorrow at 3\n</chat_history>',
    ),
  ],
  [
    said(
      '### Task:\nPick 1-3 broad tags for the themes of the chat.\n<chat_history>\nUSER: 안녕\n</chat_history>',
    ),
  ],
  [
    said(
      '### Task:\nSuggest 3 follow-up questions as the user.\n<chat_history>\nUSER: hi\n</chat_history>',
    ),
  ],
  [
    said(
      'Give a concise title of 5 words or less for the conversation, in its own language, no punctuation.\n\nUser: 내일 3시에 치과 예약 잡아줘\nAI: 네',
    ),
  ],
  [
    said(
      'Detect the language and write in it a very concise title for this conversation:\n||>User: hello',
    ),
  ],
  [said('Summarize in a 10-word Title. Give the title only. "book a dentist tomorrow at 3"')],
  [
    system('You write expressive chat titles: create few-words titles of a conversation.'),
    said('Q: hi\nA: hello'),
  ],
  [
    said('hi'),
    { role: 'assistant' as const, content: 'hello' },
    said(
      'Please generate a four to five word title summarizing our conversation without any lead-in.',
    ),
  ],
  [
    said(
      'Based on the chat history, give this conversation a name. Keep it short, 10 characters max, no quotes.',
    ),
  ],
  [said('이 대화의 제목을 10자 이내로 간결하게 써줘')],
  [system('请把用户的会话总结为10个字以内的标题'), said('你好')],
  [said([{ type: 'text', text: 'Generate a short title for this chat, 3-5 words.' }])],
];

const ordinary = [
  '내일 3시에 치과 예약 잡아줘',
  'Create an event titled "Conversation with Bob" tomorrow at 3',
  'Write a short email to Ann',
  'Give me the names of all planets',
  'What is a good title for my book about chat history?',
  '회의 제목을 치과로 바꿔줘',
  'Summarize my mail',
  '### Task: buy milk',
];

describe('isFrontEndTask', () => {
  test.each(tasks.map((messages) => [messages] as const))(
    'recognises the prompt of a chat front end: %j',
    (messages) => {
      expect(isFrontEndTask(messages)).toBe(true);
    },
  );

  test.each(ordinary)('does not take an ordinary message for a front-end prompt: %j', (message) => {
    expect(isFrontEndTask([said(message)])).toBe(false);
  });
});

describe('the model name of a completion', () => {
  test('a title prompt to gatehouse and a message to gatehouse-chat are answered without a job', async () => {
    const fixture = await openOpenAiFixture();
    fixture.small.script(says('Dentist'));
    fixture.large.script(says('Hello.'));
    const title = await fixture.openai.chat.completions.create({
      model: 'gatehouse',
      messages: [
        user(
          'Give a concise title of 5 words or less for the conversation, no punctuation.\n\nUser: 내일 3시에 치과 예약 잡아줘',
        ),
      ],
    });
    expect(title.choices[0]?.message.content).toBe('Dentist');
    const chat = await fixture.openai.chat.completions.create({
      model: 'gatehouse-chat',
      messages: [user('내일 3시에 치과 예약 잡아줘')],
    });
    expect(chat.choices[0]?.message.content).toBe('Hello.');
    expect((await fixture.client.jobs({})).jobs).toEqual([]);
  });

  test('an unknown model name is refused with the list of all names', async () => {
    const fixture = await openOpenAiFixture();
    const asked = fixture.openai.chat.completions.create({
      model: 'nobody',
      messages: [user('hi')],
    });
    await expect(asked).rejects.toThrow('there are: gatehouse, small, large, gatehouse-chat');
  });
});
