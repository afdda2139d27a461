/**
 * The rule for English questions about the mailbox: a head ("did i get", "check", "who sent me"), the noun with
 * what is said in front of it, and a tail of senders, subjects and dates. What the parameters cannot hold (hours,
 * sent mail, "from him") goes to the classifier.
 */
import { markFolder } from './english-folders.ts';
import { type Frame, frameOf } from './english-frame.ts';
import { folderOf, isMailboxWord } from './home-words.ts';
import { isOtherWork } from './english-work.ts';
import {
  articles,
  type MailNoun,
  type MailTail,
  pronouns,
  readMailNoun,
  readMailTail,
} from './english-mail-parts.ts';
import { phrase, PhraseReader, wordSet } from './phrase-reader.ts';
import { type Clause, type RuleOutcome, clauseDates, dateQuestion } from './rule.ts';
import { mailCall } from './tool-calls.ts';

type Head = (reader: PhraseReader, frame: Frame) => MailTail | null;

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

/** Do i have any new emails, did i get an email from sam, has any mail come in. */
const haveMail: Head = (reader, frame) => {
  if (reader.eat(haveHead) === null && !reader.rest.startsWith('any')) return null;
  if (reader.eat(anythingNew) !== null) {
    const tail = readMailTail(reader);
    const isMail =
      frame.place === 'mail' || /\b(?:inbox|mailbox|email|mail|gmail)\b/.test(frame.body);
    return tail && isMail && isReal(tail) ? tail : null;
  }
  const noun = readMailNoun(reader, 4);
  return noun && withNoun(noun, readMailTail(reader));
};

const isReal = (tail: MailTail): boolean =>
  tail.isReceived || tail.from.length > 0 || tail.query.length > 0;

const lookHead = phrase(
  '(?:check|show|read|open|list|hear|report|see|view|look at|look through|look over|get|bring up|pull up|go through|go to|go into|fetch|summari[sz]e|display|scan|refresh|retrieve|recite|give|know|tell|read out|read aloud|go over|review|give me a summary of|let me know|access|load|bring|any updates? (?:on|in))(?: (?:me|to me|us|up|out|off))?(?: (?:and see|if i have|if there are|for|on|in|about|of|to see|a summary of|the summary of|what is in|everything in|the (?:contents?|subjects?|subject lines?|titles?|senders?|list) of|a list of|list of))?',
);

/** Check my email, show me new emails from mark, read the latest mail. */
const lookAtMail: Head = (reader) => {
  const isReading = /^(?:check|read|see|refresh|view|show)\b/.test(reader.rest);
  if (reader.eat(lookHead) === null) return null;
  reader.eat(partOf);
  const noun = readMailNoun(reader, 0);
  if (noun === null || noun.isIndefinite) return null;
  const tail = readMailTail(reader);
  // "Open email" may begin a new one.
  if (tail === null || (noun.isSingular && !isReading && !isAnchored(noun, tail))) {
    return null;
  }
  return tail;
};

const findHead = phrase(
  '(?:find|search|look for|search for|look up|search through|search in|look in|look through|locate|get|i am looking for|looking for|query)(?: (?:me|for|through|in|out))?',
);

/** Find the invoice email, search my email for the tax invoice. */
const findMail: Head = (reader) => {
  if (reader.eat(findHead) === null) return null;
  const noun = readMailNoun(reader, 5);
  return noun && withNoun(noun, readMailTail(reader));
};

const whatHead = phrase('what|which|how many|how much|whose');
const isWord = phrase(
  '(?:is|are|was|were|does|do|did|came|arrived|do i have|have i got)(?: there)?(?: (?:new|in|on|waiting))*',
);
const partOf = phrase(
  '(?:the )?(?:subjects?|subject lines?|senders?|titles?|contents?|number|count)(?: and (?:subjects?|subject lines?|senders?|titles?|contents?))?(?: (?:of|in|from))?',
);
const ofAll = phrase('of');

/** What emails did i get, how many unread emails, what is in my inbox, what is my latest email. */
const whatMail: Head = (reader) => {
  if (reader.eat(whatHead) === null) return null;
  const isIn = /^(?:is|are)(?: new)? in /.test(reader.rest);
  const isThere = reader.eat(isWord) !== null;
  const isPart = reader.eat(partOf) !== null;
  reader.eat(ofAll);
  const noun = readMailNoun(reader, 0);
  if (noun === null || noun.isIndefinite) return null;
  const tail = readMailTail(reader);
  // "What is my email" asks for an address, "what is email" for its meaning.
  if (tail === null) return null;
  if (isThere && !isIn && !noun.isBox && !noun.isReceived && !tail.isReceived && !isPart) {
    const isSome = tail.from.length > 0 || tail.query.length > 0;
    if ((noun.isSingular && !isSome) || !(noun.isOwn || tail.hasDate || tail.from.length > 0))
      return null;
  }
  return noun.isSingular && !isThere && !tail.isReceived ? null : tail;
};

const whoHead = phrase(
  'who(?:se| all)?(?: (?:has|have|is|was|just|else))? (?:emailed|mailed|email|(?:sent|sending|send)(?: me| us)?(?=.{0,40}\\b(?:emails?|mails?)\\b))(?: (?:me|us))?',
);
const afterWho = phrase(
  '(?:any |an |a |the |some |my |new |last |latest |most recent |recent )*(?:emails?|mails?)',
);

const whoIs = phrase('who(?:se)? (?:is|are|was|were)');
const whoIsEnd = phrase('from|by');

/** Who is my latest email from. */
const whoIsIt: Head = (reader) => {
  if (reader.eat(whoIs) === null) return null;
  const noun = readMailNoun(reader, 0);
  if (noun === null || noun.isIndefinite || reader.eat(whoIsEnd) === null) return null;
  return readMailTail(reader);
};

/** Who emailed me today, who sent the last email. */
const whoWrote: Head = (reader) => {
  if (reader.eat(whoHead) === null) return null;
  reader.eat(afterWho);
  return readMailTail(reader);
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

/** Did kim email me, has bob sent me an email about the budget, did sara reply to my email. */
const didWrite: Head = (reader) => {
  if (reader.eat(didHead) === null) return null;
  while (reader.eat(articles)) continue;
  const from = reader.words(4, senderStops);
  const [first] = from;
  if (first === undefined) return null;
  const isAnybody = anybody.test(first) && from.length === 1;
  if (!isAnybody && (pronouns.has(first) || isVague.test(first))) return null;
  reader.eat(soFar);
  if (reader.eat(wroteMe) === null) return null;
  const tail = readMailTail(reader);
  return tail && tail.from.length === 0 ? { ...tail, from: isAnybody ? [] : from } : null;
};

const whenHead = phrase(
  'when (?:was|is|did)(?: i| we)?(?: last)?(?: (?:get|receive|have))?|how long ago (?:was|did i get)',
);

/** When was the last email from bob. */
const whenMail: Head = (reader) => {
  if (reader.eat(whenHead) === null) return null;
  const noun = readMailNoun(reader, 0);
  const tail = noun && readMailTail(reader);
  return tail && tail.from.length > 0 ? tail : null;
};

/** Emails from amazon, my new mail, inbox: no verb, so it must say whose or since when. */
const bareMail: Head = (reader) => {
  const noun = readMailNoun(reader, 0);
  if (noun === null || noun.isIndefinite) return null;
  const tail = readMailTail(reader);
  if (tail === null || tail.hasTime) return null;
  // A "new email" alone may be one to write.
  if (noun.isSingular && noun.isReceived && !noun.isOwn && !isReal(tail) && !tail.hasDate)
    return null;
  return tail;
};

const heads: readonly Head[] = [
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

const wordsMax = 30;

/** Words that belong to the sentence, not to what is sought. */
const stopWords = wordSet(
  'a an the my our any some all of me please new unread recent latest is there that this those these',
);
const sought = (words: readonly string[]): string =>
  words
    .filter((word) => word !== '' && !stopWords.has(word) && folderOf([word]) === null)
    .join(' ');

export function englishMail(clause: Clause): RuleOutcome | null {
  const marked = markFolder(clause.masked, clause.home.mailFolders);
  const frame = frameOf(marked.text);
  if (frame.body.split(' ').length > wordsMax || isOtherWork(frame.body)) return null;
  for (const head of heads) {
    const found = head(new PhraseReader(frame.body), frame);
    if (found !== null) return outcomeOf(clause, { ...frame, folder: marked.folder }, found);
  }
  return null;
}

function outcomeOf(
  clause: Clause,
  frame: Frame & { folder: string | null },
  found: MailTail,
): RuleOutcome | null {
  const dates = clauseDates(clause, 'past');
  if (dates?.ok === false) return dateQuestion(clause, 'mail', dates);
  // Mail since five: without a day no parameter holds it.
  if (found.hasTime && dates === null) return null;
  const call = mailCall({
    dates,
    today: clause.today,
    query: sought(found.query),
    from: found.from.filter((word) => !stopWords.has(word)).join(' '),
    folder:
      frame.folder ??
      folderOf(frame.body.split(/[^a-z]+/).filter(isMailboxWord), clause.home.mailFolders),
  });
  return { kind: 'calls', rule: 'mail', calls: [call] };
}
