/** Files that came with a message, kept in the library of who sent them. */
import { createHash } from 'node:crypto';
import type { DoorOptions } from '../assistant/door.ts';
import type { Library } from '../documents/library.ts';

/**
 * Once per file of a user: a message that was refused and is submitted again finds the document of the first
 * time, with an idempotency key or without. A file that was removed meanwhile is back when it is sent again.
 */
export const keepAttachment =
  (library: Library): NonNullable<DoorOptions['keepAttachment']> =>
  (userId, { name, text }) => {
    const digest = createHash('sha256')
      .update(JSON.stringify([name, text]))
      .digest('hex');
    const path = `chat/${digest.slice(0, 32)}`;
    library.together(() => {
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
