/** A mark stands in a message and in every answer to it: `#c4-12#` is the twelfth message of person c4. */
export const markOf = (who: string, n: number): string => `#${who}-${n}#`;

const pattern = /#[a-z]+\d+-\d+#/g;

export const marksIn = (text: string): string[] => [...new Set(text.match(pattern))];

/** Prompts hold older texts before the message itself. */
export const lastMarkIn = (text: string): string | null => text.match(pattern)?.at(-1) ?? null;

/** What a message asks of the model servers of the storm. */
export const requestPhrases = {
  plain: '말해줘',
  long: '길게 말해줘',
  deep: '깊이 생각해줘',
  slow: '깊이, 천천히 생각해줘',
  ask: '되물어줘',
  look: '표를 보여줘',
  draft: '잡아줘',
  /** Rules know this without a model. */
  ruled: '오늘 일정 알려줘',
} as const;

export const draftTitle = (mark: string): string => `약속 ${mark}`;
