/** The buttons under a draft or an answer, as an attachment of the post, and the click on one of them. */
import type { ButtonAction } from '#shared/wire/reply';
import type { OutgoingPart } from '../channel-adapter-port.ts';
import type { ClickContent } from '../bridge-storage-port.ts';
import { encodeClick, parseClick } from '../click-code.ts';
import type { ClickPost } from './webhook-payload.ts';

export const attachmentOf = ({ jobId, n, list }: NonNullable<OutgoingPart['buttons']>) => ({
  callback_id: `job-${jobId}:${n}`,
  text: '',
  actions: list.map(({ action, text }) => ({
    type: 'button',
    name: action,
    value: encodeClick({ action, jobId, n }),
    text,
    style: styles[action],
  })),
});

const styles: Record<ButtonAction, string> = {
  confirm: 'green',
  reject: 'red',
  undo: 'grey',
  snooze: 'blue',
};

/** Null: not a button of this bridge. */
export function clickOf({ value, callbackId }: ClickPost): ClickContent | null {
  const click = parseClick(value);
  if (click === null) return null;
  const version = click.n === undefined ? '' : `:${click.n}`;
  return callbackId === `job-${click.jobId}${version}` ? click : null;
}
