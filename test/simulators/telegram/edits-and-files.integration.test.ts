/** Edits, presses of buttons, files and commands, with grammY's client. */
import { InlineKeyboard, InputFile } from 'grammy';
import { describe, expect, test } from 'vitest';
import { family, hana, openTelegram, refusalOf, started } from './fake-telegram-fixture.ts';

describe('an edit', () => {
  const notModified =
    '400 Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message';

  test('replaces the text and, unless it names them again, removes the buttons', async () => {
    const { api, posted } = await started();
    const keyboard = new InlineKeyboard().text('a', 'a');
    const { message_id } = await api.sendMessage(hana, 'one', { reply_markup: keyboard });
    const edited = await api.editMessageText(hana, message_id, 'two');
    expect(edited).toMatchObject({ text: 'two', edit_date: 1_795_000_000 });
    expect(posted(hana)[0]).toMatchObject({ keyboard: null, earlier: ['one'] });
    const marked = await api.editMessageReplyMarkup(hana, message_id, { reply_markup: keyboard });
    expect(marked).toMatchObject({ text: 'two', reply_markup: keyboard });
  });

  test('is refused for what it would not change, for unknown messages and for those of others', async () => {
    const { api, say, deleteMessage } = await started();
    const own = say({ userId: hana, text: 'a' }).message;
    const { message_id } = await api.sendMessage(hana, 'one');
    const edit = (id: number, text = 'two') => refusalOf(api.editMessageText(hana, id, text));
    expect(await edit(message_id, 'one ')).toBe(notModified);
    expect(await refusalOf(api.editMessageReplyMarkup(hana, message_id))).toBe(notModified);
    expect(await edit(77)).toBe('400 Bad Request: message to edit not found');
    expect(await edit(own.messageId)).toBe("400 Bad Request: message can't be edited");
    expect(await edit(message_id, 'a'.repeat(4_097))).toBe('400 Bad Request: message is too long');
    deleteMessage(hana, message_id);
    expect(await edit(message_id)).toBe('400 Bad Request: message to edit not found');
  });

  test('of a file has no text to edit', async () => {
    const { api } = await started();
    const file = new InputFile(Buffer.from('# a'), 'a.md');
    const sent = await api.sendDocument(hana, file, { caption: '파일' });
    expect(sent).toMatchObject({ caption: '파일', document: { file_name: 'a.md', file_size: 3 } });
    expect(await refusalOf(api.editMessageText(hana, sent.message_id, 'a'))).toBe(
      '400 Bad Request: there is no text in the message to edit',
    );
  });

  test('a deleted message is gone; one of a member of a group cannot be deleted', async () => {
    const telegram = await started();
    const { api } = telegram;
    const { message_id } = await api.sendMessage(hana, 'a');
    await api.deleteMessage(hana, message_id);
    expect(await refusalOf(api.deleteMessage(hana, message_id))).toBe(
      '400 Bad Request: message to delete not found',
    );
    const { message } = telegram.say({ userId: hana, chatId: family, text: 'a' });
    expect(await refusalOf(api.deleteMessage(family, message.messageId))).toContain(
      "message can't be deleted",
    );
  });
});

describe('a press of a button', () => {
  async function pressed() {
    const telegram = await started();
    const reply_markup = new InlineKeyboard().text('예', 'yes');
    const { message_id } = await telegram.api.sendMessage(hana, '?', { reply_markup });
    return { ...telegram, message_id, ...telegram.press(hana, hana, message_id, 'yes') };
  }
  const tooOld =
    '400 Bad Request: query is too old and response timeout expired or query ID is invalid';

  test('is answered once, with a notice', async () => {
    const { api, id, callbacks } = await pressed();
    await api.answerCallbackQuery(id, { text: '알겠습니다', show_alert: true });
    expect(callbacks()[0]!.answer).toEqual({ text: '알겠습니다', showAlert: true });
    expect(await refusalOf(api.answerCallbackQuery(id))).toBe(tooOld);
  });

  test('cannot be answered when it is too old, nor if it does not exist', async () => {
    const { api, id, wait, callbacks } = await pressed();
    expect(await refusalOf(api.answerCallbackQuery('77'))).toBe(tooOld);
    wait(150_000);
    expect(await refusalOf(api.answerCallbackQuery(id))).toBe(tooOld);
    expect(callbacks()[0]!.answer).toBeNull();
  });

  test('of a button that is not there is an error of the caller', async () => {
    const { press, message_id } = await pressed();
    expect(() => press(hana, hana, message_id, 'no')).toThrow('has no button "no"');
  });
});

describe('files', () => {
  test('are downloaded by the path that getFile gives, for an hour', async () => {
    const telegram = await started();
    const { api, url, token } = telegram;
    const content = Buffer.from('# 메모');
    const { message } = telegram.say({
      userId: hana,
      text: '읽어줘',
      file: { name: '메모.md', type: 'text/markdown', content },
    });
    const { file_path, file_size } = await api.getFile(message.media!.file.fileId);
    expect(file_size).toBe(content.length);
    const get = () => fetch(`${url}/file/bot${token}/${file_path}`);
    expect(Buffer.from(await (await get()).arrayBuffer())).toEqual(content);
    const other = await fetch(`${url}/file/bot1:x/${file_path}`);
    expect([other.status, await other.json()]).toEqual([
      401,
      { ok: false, error_code: 401, description: 'Unauthorized' },
    ]);
    telegram.wait(3_600_000);
    const late = await get();
    expect([late.status, await late.json()]).toEqual([
      404,
      { ok: false, error_code: 404, description: 'Not Found' },
    ]);
  });

  test('above 20 MB are refused, and unknown ones', async () => {
    const { api, say } = await started();
    const file = { name: 'a.pdf', type: 'application/pdf', content: Buffer.from('a') };
    const sizes = [20 * 1024 * 1024, 20 * 1024 * 1024 + 1];
    const [fits, large] = sizes.map((size) => say({ userId: hana, file: { ...file, size } }));
    expect(await refusalOf(api.getFile(fits!.message.media!.file.fileId))).toBe('done');
    expect(await refusalOf(api.getFile(large!.message.media!.file.fileId))).toBe(
      '400 Bad Request: file is too big',
    );
    expect(await refusalOf(api.getFile('x'))).toBe('400 Bad Request: invalid file_id');
    expect(await refusalOf(api.getFile(''))).toBe('400 Bad Request: file_id not specified');
  });
});

describe('commands', () => {
  test('are set, read and deleted', async () => {
    const { api } = await openTelegram();
    await api.setMyCommands([{ command: 'help', description: '도움말' }]);
    expect(await api.getMyCommands()).toEqual([{ command: 'help', description: '도움말' }]);
    await api.deleteMyCommands();
    expect(await api.getMyCommands()).toEqual([]);
  });

  test.each([
    [[{ command: '도움말', description: 'a' }], '400 Bad Request: BOT_COMMAND_INVALID'],
    [[{ command: 'help', description: '' }], '400 Bad Request: BOT_COMMAND_DESCRIPTION_INVALID'],
  ])('%j is refused', async (commands, refusal) => {
    const { api } = await openTelegram();
    expect(await refusalOf(api.setMyCommands(commands))).toBe(refusal);
  });
});
