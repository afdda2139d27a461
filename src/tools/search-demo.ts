/** How the demo model makes a search of a message. */

/** The message without request verbs and source names. */
export const demoQuery = (message: string): string =>
  message
    .replace(
      /(?:좀\s*)?(?:찾아|검색해?|보여|알려)\S*(?:\s*(?:줘|주세요))?|메일|이메일|문서|자료|파일|에서/g,
      ' ',
    )
    .replace(/\b(?:find|search|look for|e-?mails?|documents?|files?|my|the|for|in|please)\b/gi, ' ')
    .replace(/[.?!]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
