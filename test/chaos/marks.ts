/** A mark is part of a message and of every answer to it: `#c4-12#` is the twelfth message of user c4. */
export const markOf = (who: string, n: number): string => `#${who}-${n}#`;

const pattern = /#[a-z]+\d+-\d+#/g;

export const marksIn = (text: string): string[] => [...new Set(text.match(pattern))];

/** Prompts contain older messages before the message. */
export const lastMarkIn = (text: string): string | null => text.match(pattern)?.at(-1) ?? null;

/** The phrases that select a model server's answer. */
export const requestPhrases = {
  plain: '말해줘',
  long: '길게 말해줘',
  deep: '깊이 생각해줘',
  slow: '깊이, 천천히 생각해줘',
  ask: '되물어줘',
  look: '표를 보여줘',
  draft: '잡아줘',
  /** Rules decide this message without a model. */
  ruled: '오늘 일정 알려줘',
} as const;

export const draftTitle = (mark: string): string => `약속 ${mark}`;
