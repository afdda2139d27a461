/** Stores files attached to a message as documents in the sender's library. */
import { createHash } from 'node:crypto';
import type { JobServiceOptions } from '#jobs/service/job-service';
import type { Library } from '#library/library';

/**
 * Idempotent per user and file: a message that was refused and is submitted again finds the first document, with or
 * without an idempotency key. A file that was deleted meanwhile is restored when it is sent again.
 */
export const keepAttachment =
  (library: Library): NonNullable<JobServiceOptions['keepAttachment']> =>
  async (userId, { name, text }) => {
    const digest = createHash('sha256')
      .update(JSON.stringify([name, text]))
      .digest('hex');
    const path = `chat/${digest.slice(0, 32)}`;
    const owner = library.ownerOf(userId);
    await library.commit(`${owner} ${path}`, async (changes) => {
      const kept = await changes.findFile(owner, path);
      if (kept !== null) {
        if (kept.deletedAt !== null) await changes.replace(kept, { ...kept, deletedAt: null });
        return;
      }
      const isMarkdown = /\.(?:md|markdown)$/i.test(name);
      await changes.add(
        library.newDocument(userId, {
          title: name,
          text,
          origin: 'file',
          ...(isMarkdown ? { markdown: text } : {}),
          metadata: { path },
        }),
      );
    });
  };
