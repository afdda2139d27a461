import { datePlaceholder } from '../token-types.ts';

/** English requests to write, send or change something: with such a verb, a calendar or mail noun is no question. */
const actionVerb = new RegExp(
  `^(?:schedule|book|set up|set|add|create|put|make|arrange|plan|reserve|block|cancel|clear|move|reschedule|delete|remove|erase|drop|change|update|edit|postpone|push|shift|send|write|reply|respond|draft|compose|forward|answer|explain|translate|remind|notify|alert|start)\\b(?!\\s*(?:for|on|of|about)?\\s*(?:the day\\b|[${datePlaceholder}?])|$)`,
  'u',
);

/** @param body a clause without leading polite words */
export const isActionRequest = (body: string): boolean => actionVerb.test(body);
