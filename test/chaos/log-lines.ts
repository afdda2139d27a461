/** Checks log lines: they must contain no secrets, no texts of users, and no internal errors. */
import { errorTable, type ErrorCode } from '#shared/errors';
import { draftTitle, marksIn } from './marks.ts';

/** Words of the messages and answers of the storm. */
const peoplesWords = [draftTitle(''), '말해줘', '생각해줘', '할 일 하나'];

/** The fault of the line, or null. */
export function judgeLine(line: string, secrets: readonly string[]): string | null {
  if (line.trim() === '') return null;
  if (secrets.some((secret) => line.includes(secret))) return 'a secret';
  if (marksIn(line).length > 0 || peoplesWords.some((word) => line.includes(word))) {
    return "a person's words";
  }
  const [code] = /GH_[A-Z_]+/.exec(line) ?? [];
  if (code !== undefined && errorTable[code as ErrorCode]?.kind === 'bug') return 'a fault of ours';
  // A program that cannot start prints one plain line.
  if (line.startsWith('{') || /^gatehouse: |\(GH_[A-Z_]+\)|^GH_[A-Z_]+/.test(line)) {
    return null;
  }
  return 'no line of a log';
}
