/** The texts that a user sees in the chat of the fake NAS. */
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';

/** The texts of the bots to a user, oldest first; the original text of a post that a click has replaced. */
export function textsShownTo(dsm: FakeDsm, userId: number): string[] {
  const ids = dsm
    .conversations()
    .filter((one) => one.kind === 'direct' && one.userId === userId)
    .map(({ id }) => id);
  return dsm
    .posts()
    .filter((post) => ids.includes(post.conversationId) && post.author.kind === 'integration')
    .map(({ text, earlier }) => earlier[0] ?? text);
}
