/** What a person sees in the chat of the fake NAS. */
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';

/** What the bots have said to a person, oldest first; with the text of buttons, where a post has them. */
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
