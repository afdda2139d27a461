/** What all doors to the models have in common: the size of a request, and the errors of models. */
import type { PictureLimits } from '#shared/pictures/picture';

/** Of the texts of a request. */
const textBytesMax = 2 * 1024 * 1024;

/**
 * Bytes of the body. Pictures are base64, which is a third larger, and a client sends those of the earlier messages again:
 * about one and a half times the pictures of one message.
 */
export const bodyLimitOf = ({ maxBytes }: PictureLimits): number => textBytesMax + 2 * maxBytes;

export const ofModels = [
  'GH_REQUEST_EMPTY',
  'GH_PICTURE_REFUSED',
  'GH_BACKEND_UNKNOWN',
  'GH_BACKEND_NO_VISION',
  'GH_BACKEND_UNAVAILABLE',
] as const;
