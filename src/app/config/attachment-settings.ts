/** The key `pictures`: what a message may carry besides text (docs/attachments.md). */
import { z } from 'zod';
import { count, optionalSection } from '#shared/config-fields';

const mebibyte = 1024 ** 2;

export const picturesSchema = optionalSection({
  maxCount: count(4).describe('Pictures of one message.'),
  maxBytes: z
    .int()
    .min(1024)
    .max(64 * mebibyte)
    .default(10 * mebibyte)
    .describe('Bytes of all pictures of one message.'),
});
