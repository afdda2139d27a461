/**
 * The rule for English questions about the mailbox: a head, a noun and a tail. Questions that parameters cannot
 * express (hours, sent mail, "from him") go to the classifier.
 */
import { maskFolder } from './english-folders.ts';
import {
  type NormalizedQuestion,
  normalizeQuestion,
  firstReading,
  stopWords,
} from './english-question.ts';
import { resolveFolder, isMailboxWord } from '../rules/custom-vocabulary.ts';
import {
  articles,
  type MailNoun,
  type MailTail,
  pronouns,
  parseMailNoun,
  parseMailTail,
} from './english-mail-parts.ts';
import { phrase, type PhraseScanner } from '../phrase-scanner.ts';
import { wordSet } from '../word-lists.ts';
import {
  type Clause,
  type RuleOutcome,
  parseClauseDates,
  clarifyClauseDate,
  mailCall,
} from '../rules/rule.ts';

type QuestionPattern = (scanner: PhraseScanner, question: NormalizedQuestion) => MailTail | null;

const withNoun = (noun: MailNoun, tail: MailTail | null): MailTail | null =>
  tail && { ...tail, query: [...noun.before, ...tail.query] };

const isAnchored = (noun: MailNoun, tail: MailTail): boolean =>
  noun.isOwn ||
  noun.isReceived ||
  tail.isReceived ||
  tail.from.length > 0 ||
  tail.query.length > 0 ||
  tail.hasDate;

const haveHead = phrase(
  '(?:do|did|have|had|will) (?:i|we)(?: (?:have|get|got|gotten|receive|received|missed|miss))?|(?:is|are|was|were) there|(?:has|have) there been|(?:got|received)|(?:has|have)(?= (?:any|some|the|my)\\b)|did(?= any\\b)',
);
const anythingNew = phrase('(?:anything|something)(?: (?:new|important|urgent|interesting))?');

/** "Do i have any new emails", "did i get an email from sam", "has any mail come in". */
const haveMail: QuestionPattern = (scanner, question) => {
  if (scanner.consume(haveHead) === null && !scanner.rest.startsWith('any')) return null;
  if (scanner.consume(anythingNew) !== null) {
    const tail = parseMailTail(scanner);
    const isMail =
      question.lookupTarget === 'mail' ||
      /\b(?:inbox|mailbox|email|mail|gmail)\b/.test(question.body);
    return tail && isMail && isReal(tail) ? tail : null;
  }
  const noun = parseMailNoun(scanner, 4);
  return noun && withNoun(noun, parseMailTail(scanner));
};

const isReal = (tail: MailTail): boolean =>
  tail.isReceived || tail.from.length > 0 || tail.query.length > 0;

const lookHead = phrase(
  '(?:check|show|read|open|list|hear|report|see|view|look at|look through|look over|get|bring up|pull up|go through|go to|go into|fetch|summari[sz]e|display|scan|refresh|retrieve|recite|give|know|tell|read out|read aloud|go over|review|give me a summary of|let me know|access|load|bring|any updates? (?:on|in))(?: (?:me|to me|us|up|out|off))?(?: (?:and see|if i have|if there are|for|on|in|about|of|to see|a summary of|the summary of|what is in|everything in|the (?:contents?|subjects?|subject lines?|titles?|senders?|list) of|a list of|list of))?',
);

/** A noun that is not indefinite, and a tail to the end of the question. */
function judgeMail(
  scanner: PhraseScanner,
  judge: (noun: MailNoun, tail: MailTail) => MailTail | null,
): MailTail | null {
  const noun = parseMailNoun(scanner, 0);
  const tail = noun === null || noun.isIndefinite ? null : parseMailTail(scanner);
  return noun && tail && judge(noun, tail);
}

/** "Check my email", "show me new emails from mark", "read the latest mail". */
const lookAtMail: QuestionPattern = (scanner) => {
  const isReading = /^(?:check|read|see|refresh|view|show)\b/.test(scanner.rest);
  if (scanner.consume(lookHead) === null) return null;
  scanner.consume(partOf);
  // "Open email" may mean to write a new email.
  return judgeMail(scanner, (noun, tail) =>
    noun.isSingular && !isReading && !isAnchored(noun, tail) ? null : tail,
  );
};

const findHead = phrase(
  '(?:find|search|look for|search for|look up|search through|search in|look in|look through|locate|get|i am looking for|looking for|query)(?: (?:me|for|through|in|out))?',
);

/** "Find the invoice email", "search my email for the tax invoice". */
const findMail: QuestionPattern = (scanner) => {
  if (scanner.consume(findHead) === null) return null;
  const noun = parseMailNoun(scanner, 5);
  return noun && withNoun(noun, parseMailTail(scanner));
};

const whatHead = phrase('what|which|how many|how much|whose');
const isWord = phrase(
  '(?:is|are|was|were|does|do|did|came|arrived|do i have|have i got)(?: there)?(?: (?:new|in|on|waiting))*',
);
const partOf = phrase(
  '(?:the )?(?:subjects?|subject lines?|senders?|titles?|contents?|number|count)(?: and (?:subjects?|subject lines?|senders?|titles?|contents?))?(?: (?:of|in|from))?',
);
const ofAll = phrase('of');

/** "What emails did i get", "how many unread emails", "what is in my inbox", "what is my latest email". */
const whatMail: QuestionPattern = (scanner) => {
  if (scanner.consume(whatHead) === null) return null;
  const isIn = /^(?:is|are)(?: new)? in /.test(scanner.rest);
  const isThere = scanner.consume(isWord) !== null;
  const isPart = scanner.consume(partOf) !== null;
  scanner.consume(ofAll);
  return judgeMail(scanner, (noun, tail) => {
    // "What is my email" asks for an address, "what is email" for its meaning.
    if (isThere && !isIn && !noun.isBox && !noun.isReceived && !tail.isReceived && !isPart) {
      const isSome = tail.from.length > 0 || tail.query.length > 0;
      if ((noun.isSingular && !isSome) || !(noun.isOwn || tail.hasDate || tail.from.length > 0))
        return null;
    }
    return noun.isSingular && !isThere && !tail.isReceived ? null : tail;
  });
};

const whoHead = phrase(
  'who(?:se| all)?(?: (?:has|have|is|was|just|else))? (?:emailed|mailed|email|(?:sent|sending|send)(?: me| us)?(?=.{0,40}\\b(?:emails?|mails?)\\b))(?: (?:me|us))?',
);
const afterWho = phrase(
  '(?:any |an |a |the |some |my |new |last |latest |most recent |recent )*(?:emails?|mails?)',
);

const whoIs = phrase('who(?:se)? (?:is|are|was|were)');
const whoIsEnd = phrase('from|by');

/** "Who is my latest email from". */
const whoIsIt: QuestionPattern = (scanner) => {
  if (scanner.consume(whoIs) === null) return null;
  const noun = parseMailNoun(scanner, 0);
  if (noun === null || noun.isIndefinite || scanner.consume(whoIsEnd) === null) return null;
  return parseMailTail(scanner);
};

/** "Who emailed me today", "who sent the last email". */
const whoWrote: QuestionPattern = (scanner) => {
  if (scanner.consume(whoHead) === null) return null;
  scanner.consume(afterWho);
  return parseMailTail(scanner);
};

const didHead = phrase(
  'did|has|have|when did|what did|what has|what(?! (?:is|are|was|were|do|does|will|should|can)\\b)|where did|does|when has|when(?! (?:is|are|was|were|do|does|did|will|i|we)\\b)',
);
const wroteMe = phrase(
  '(?:last )?(?:email(?:ed)?|mail(?:ed)?) (?:me|us)(?: back)?|(?:last )?(?:send|sent|forward|forwarded|write|written|wrote) (?:(?:me|us) )?(?:back )?(?:any|an|a|some|the|that|new|more|another|my|his|her|their| )*(?:emails?|mails?)(?: to me| back)?|(?:write|written|wrote)(?: back)?(?: to)? (?:me|us)|(?:reply|replied|respond|responded|answer|answered)(?: back)? (?:to )?(?:my|our|the)(?: last| latest| recent)? (?:emails?|mails?)',
);
const senderStops = wordSet(
  'send sent email emailed mail mailed forward forwarded write written wrote last reply replied respond responded answer answered i we you yet already ever just',
);
const isVague = /^(?:he|she|they|it|one|anything)$/;
const anybody = /^(?:anyone|anybody|someone|somebody)$/;
const soFar = phrase('just|already|ever|yet');

/** "Did kim email me", "has bob sent me an email about the budget", "did sara reply to my email". */
const didWrite: QuestionPattern = (scanner) => {
  if (scanner.consume(didHead) === null) return null;
  while (scanner.consume(articles)) continue;
  const from = scanner.takeWords(4, senderStops);
  const [first] = from;
  if (first === undefined) return null;
  const isAnybody = anybody.test(first) && from.length === 1;
  if (!isAnybody && (pronouns.has(first) || isVague.test(first))) return null;
  scanner.consume(soFar);
  if (scanner.consume(wroteMe) === null) return null;
  const tail = parseMailTail(scanner);
  return tail && tail.from.length === 0 ? { ...tail, from: isAnybody ? [] : from } : null;
};

const whenHead = phrase(
  'when (?:was|is|did)(?: i| we)?(?: last)?(?: (?:get|receive|have))?|how long ago (?:was|did i get)',
);

/** "When was the last email from bob". */
const whenMail: QuestionPattern = (scanner) => {
  if (scanner.consume(whenHead) === null) return null;
  const noun = parseMailNoun(scanner, 0);
  const tail = noun && parseMailTail(scanner);
  return tail && tail.from.length > 0 ? tail : null;
};

/** "Emails from amazon", "my new mail", "inbox": without a verb. */
const bareMail: QuestionPattern = (scanner) =>
  judgeMail(scanner, (noun, tail) => {
    // "New email" alone may mean to write a new email.
    const isToWrite = noun.isSingular && noun.isReceived && !noun.isOwn;
    return tail.hasTime || (isToWrite && !isReal(tail) && !tail.hasDate) ? null : tail;
  });

const questionPatterns: readonly QuestionPattern[] = [
  whoWrote,
  whoIsIt,
  didWrite,
  haveMail,
  findMail,
  lookAtMail,
  whatMail,
  whenMail,
  bareMail,
];

const searchQuery = (words: readonly string[]): string =>
  words
    .filter((word) => word !== '' && !stopWords.has(word) && resolveFolder([word]) === null)
    .join(' ');

export function englishMail(clause: Clause): RuleOutcome | null {
  const marked = maskFolder(clause.masked, clause.vocabulary.mailFolders);
  const question = normalizeQuestion(marked.text);
  const found = firstReading(questionPatterns, question);
  return found && toRuleOutcome(clause, { ...question, folder: marked.folder }, found);
}

function toRuleOutcome(
  clause: Clause,
  question: NormalizedQuestion & { folder: string | null },
  found: MailTail,
): RuleOutcome | null {
  const dates = parseClauseDates(clause, 'past');
  if (dates?.ok === false) return clarifyClauseDate(clause, 'mail', dates);
  // "Mail since five": without a day, no parameter expresses it.
  if (found.hasTime && dates === null) return null;
  const call = mailCall({
    dates,
    today: clause.today,
    query: searchQuery(found.query),
    from: found.from.filter((word) => !stopWords.has(word)).join(' '),
    folder:
      question.folder ??
      resolveFolder(
        question.body.split(/[^a-z]+/).filter(isMailboxWord),
        clause.vocabulary.mailFolders,
      ),
  });
  return { kind: 'calls', rule: 'mail', calls: [call] };
}
