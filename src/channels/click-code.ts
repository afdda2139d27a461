/** The code that a button carries in a chat, and that comes back with the press on it. */
import type { ButtonAction } from '#shared/wire/reply';
import type { ClickContent } from './bridge-storage-port.ts';

const actions: Record<ButtonAction, true> = {
  confirm: true,
  reject: true,
  undo: true,
  snooze: true,
};
const coded = new RegExp(
  `^(${Object.keys(actions).join('|')}):([A-Za-z0-9_-]{1,64})(?::(\\d{1,9}))?$`,
);

export const encodeClick = ({ action, jobId, n }: ClickContent): string =>
  `${action}:${jobId}${n === undefined ? '' : `:${n}`}`;

/** Null: not the code of a button. */
export function parseClick(code: string): ClickContent | null {
  const [, action, jobId, n] = coded.exec(code) ?? [];
  if (jobId === undefined) return null;
  return {
    jobId,
    action: action as ClickContent['action'],
    ...(n === undefined ? {} : { n: Number(n) }),
  };
}
