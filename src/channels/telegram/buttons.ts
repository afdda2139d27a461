/** The buttons under a draft or an answer, as an inline keyboard, and the press on one of them. */
import type { InlineKeyboardMarkup } from 'grammy/types';
import type { OutgoingPart } from '../channel-adapter-port.ts';
import { encodeClick } from '../click-code.ts';

/** One row: the labels are short. The ids of jobs are, too: the data of a button has 64 bytes at most. */
export const keyboardOf = ({
  jobId,
  n,
  list,
}: NonNullable<OutgoingPart['buttons']>): InlineKeyboardMarkup => ({
  inline_keyboard: [
    list.map(({ action, text }) => ({
      text,
      callback_data: encodeClick({ action, jobId, n }),
    })),
  ],
});
