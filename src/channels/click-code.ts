/** What a button carries: the decision, the job, and the draft above it. At most 83 bytes of ASCII. */
import type { ClickContent } from './bridge-storage-port.ts';

export const encodeClick = ({ action, jobId, n }: ClickContent): string =>
  `${action}:${jobId}${n === undefined ? '' : `:${n}`}`;

/** Null: not the code of a button. */
export function parseClick(code: string): ClickContent | null {
  const [, action, jobId, n] =
    /^(confirm|reject):([A-Za-z0-9_-]{1,64})(?::(\d{1,9}))?$/.exec(code) ?? [];
  if (jobId === undefined) return null;
  return {
    jobId,
    action: action as ClickContent['action'],
    ...(n === undefined ? {} : { n: Number(n) }),
  };
}
