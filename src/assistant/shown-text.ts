/** A passage as a model sees it. */
import { composedText } from '../routing/plain-text.ts';
import type { Passage } from './find-sources.ts';

/** With marks where something is left out; at most two characters longer. */
export const shownText = ({ text, from, to, length }: Passage): string =>
  `${from > 0 ? '…' : ''}${composedText(text)}${to < length ? '…' : ''}`;
