/** The entities of a text: https://core.telegram.org/bots/api#messageentity, with offsets and lengths in UTF-16 code units. */
export const entityTypes = [
  'blockquote',
  'expandable_blockquote',
  'pre',
  'code',
  'text_link',
  'text_mention',
  'mention',
  'hashtag',
  'bot_command',
  'url',
  'email',
  'bold',
  'italic',
  'underline',
  'strikethrough',
  'spoiler',
  'custom_emoji',
] as const;

export interface Entity {
  type: (typeof entityTypes)[number];
  offset: number;
  length: number;
  url?: string;
  language?: string;
  user_id?: number;
  custom_emoji_id?: string;
}

export interface FormattedText {
  text: string;
  entities: Entity[];
}

/** The order of entities of the same place: those that enclose others first. */
const rank = new Map<string, number>(entityTypes.map((type, index) => [type, index]));

export function sortEntities(entities: Entity[]): Entity[] {
  return entities.sort(
    (a, b) => a.offset - b.offset || b.length - a.length || rank.get(a.type)! - rank.get(b.type)!,
  );
}

/** A refusal of a parser: its description begins with `can't parse entities`. */
export class MarkupError extends Error {}
