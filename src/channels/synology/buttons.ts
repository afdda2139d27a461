/** The buttons under a draft or an answer, as an attachment of the post, and the click on one of them. */
import type { ButtonAction } from '#shared/wire/reply';
import type { OutgoingPart } from '../channel-adapter-port.ts';
import type { ClickContent } from '../bridge-storage-port.ts';
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
const coded = new RegExp(
  `^(${Object.keys(styles).join('|')}):([A-Za-z0-9_-]{1,64})(?::(\\d{1,9}))?$`,
);

/** Null: not a button of this bridge. */
export function clickOf({ value, callbackId }: ClickPost): ClickContent | null {
  const click = parseClick(value);
  if (click === null) return null;
  const version = click.n === undefined ? '' : `:${click.n}`;
  return callbackId === `job-${click.jobId}${version}` ? click : null;
}

const encodeClick = ({ action, jobId, n }: ClickContent): string =>
  `${action}:${jobId}${n === undefined ? '' : `:${n}`}`;

/** Null: not the code of a button. */
function parseClick(code: string): ClickContent | null {
  const [, action, jobId, n] = coded.exec(code) ?? [];
  if (jobId === undefined) return null;
  return {
    jobId,
    action: action as ClickContent['action'],
    ...(n === undefined ? {} : { n: Number(n) }),
  };
}
