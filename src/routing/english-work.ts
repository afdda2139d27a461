import { dateMark } from './word-classes.ts';

/** English requests to write, send or change: a noun of the calendar or of mail beside them is no question. */
const work = new RegExp(
  `^(?:schedule|book|set up|set|add|create|put|make|arrange|plan|reserve|block|cancel|clear|move|reschedule|delete|remove|erase|drop|change|update|edit|postpone|push|shift|send|write|reply|respond|draft|compose|forward|answer|explain|translate|remind|notify|alert|start)\\b(?!\\s*(?:for|on|of|about)?\\s*(?:the day\\b|[${dateMark}?])|$)`,
  'u',
);

/** @param body a clause without the polite words in front */
export const isOtherWork = (body: string): boolean => work.test(body);
