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
  (userId, { name, text }) => {
    const digest = createHash('sha256')
      .update(JSON.stringify([name, text]))
      .digest('hex');
    const path = `chat/${digest.slice(0, 32)}`;
    library.transaction(() => {
      const kept = library.findFile(userId, path);
      if (kept !== null) {
        if (kept.deletedAt === null) return;
        library.change(userId, kept.id, (current) => ({ ...current, deletedAt: null }));
        return;
      }
      const isMarkdown = /\.(?:md|markdown)$/i.test(name);
      library.create(userId, {
        title: name,
        text,
        origin: 'file',
        ...(isMarkdown ? { markdown: text } : {}),
        metadata: { path },
      });
    });
  };
