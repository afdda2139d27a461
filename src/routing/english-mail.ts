/**
 * The rule for English questions about the mailbox: a head ("did i get", "check", "who sent me"), the noun with
 * what is said in front of it, and a tail of senders, subjects and dates. What the parameters cannot hold (hours,
 * sent mail, "from him") goes to the classifier.
 */
import { type Frame, frameOf } from './english-frame.ts';
import { isOtherWork } from './english-work.ts';
import { phrase, PhraseReader, wordSet } from './phrase-reader.ts';
import { type Clause, type RuleOutcome, clauseDates, dateQuestion } from './rule.ts';
import { folderOf, mailCall } from './tool-calls.ts';

interface Found {
  from: string[];
  query: string[];
  hasTime: boolean;
  hasDate: boolean;
  /** That arrived, in my inbox: somebody's mailbox is meant. */
  isReceived: boolean;
}

type Head = (reader: PhraseReader, frame: Frame) => Found | null;

interface MailNoun {
  /** `email` alone: also what is written or an address. */
  isSingular: boolean;
  isOwn: boolean;
  isIndefinite: boolean;
  isBox: boolean;
  /** New, unread, latest. */
  isReceived: boolean;
  /** Words in front that say what the mail is about: the invoice email. */
  before: string[];
}

const determiner = phrase(
  'any|some|all|all of|all the|of|the|this|every|more|other|many|these|those|additional|further',
);
const own = phrase('my|our');
const indefinite = phrase('an|a|another');
const received = phrase(
  'new|brand new|newest|unread|unopened|unanswered|recent|most recent|latest|last|incoming|received|most recently received|last received',
);
const quality = phrase(
  'important|urgent|first|next|top|last|(?:two|three|four|five|six|seven|eight|nine|ten|few|couple of|\\d{1,2})(?= )',
);
const account = phrase('gmail|google|company|work|office|personal|private|naverworks');
const plural = phrase('emails|mails|messages');
const uncountable = phrase('mail|email messages|mail messages');
const singular = phrase('email|message');
const box = phrase(
  '(?:(?:email|mail|gmail|google|company|work|office|personal|private|naverworks) )?(?:inbox|inboxes|mailbox|mailboxes)|gmail|(?:email|mail|gmail)(?: account)?(?= (?:inbox|for)\\b)|(?:email|mail|gmail) accounts?',
);
const beforeStops = wordSet(
  `email emails mail mails message messages inbox mailbox gmail on for about from in at by since with and or to how why what when where who which
   i you he she it they we is are was were do does did has have had that not no text voice chain facebook twitter address good nice best bad write send
   reply this him her them yes today time phone spam junk`,
);
/** Email address, email template: nothing of a mailbox. */
const notMail = phrase(
  '(?:address|addresses|id|ids|template|templates|subject|header|headers|list|lists|signature|server|app|client|format|marketing|contact|contacts|password|provider)',
);

/** @param wordsMax words in front that are no known ones; they become search words */
function readMailNoun(reader: PhraseReader, wordsMax: number): MailNoun | null {
  const noun: MailNoun = {
    isSingular: false,
    isOwn: false,
    isIndefinite: false,
    isBox: false,
    isReceived: false,
    before: [],
  };
  let isMessage = false;
  for (let round = 0; round < 12; round += 1) {
    if (reader.eat(own)) noun.isOwn = true;
    else if (reader.eat(received)) noun.isReceived = true;
    else if (reader.eat(indefinite)) noun.isIndefinite = true;
    else if (reader.eat(determiner) ?? reader.eat(quality)) continue;
    else if (reader.eatDate()) continue;
    else if (reader.eat(box)) {
      noun.isBox = true;
      break;
    } else if (reader.eat(uncountable)) break;
    else if (/^messages?\b/.test(reader.rest)) {
      isMessage = true;
      noun.isSingular = reader.eat(singular) !== null;
      if (!noun.isSingular) reader.eat(plural);
      break;
    } else if (reader.eat(plural)) break;
    else if (reader.eat(singular)) {
      if (reader.eat(plural) ?? reader.eat(box)) break;
      noun.isSingular = true;
      break;
    } else if (reader.eat(account)) continue;
    else {
      const words = reader.words(1, beforeStops);
      if (words.length === 0 || noun.before.length >= wordsMax || words[0]?.includes("'"))
        return null;
      noun.before.push(...words);
    }
  }
  if (reader.eat(notMail)) return null;
  // A message may be of any kind; unread ones are those of the mailbox.
  if (isMessage && !(noun.isReceived && noun.before.length === 0)) return null;
  return noun;
}

const by = phrase('(?:sent |received |written |coming |came )?(?:from|by)');
const topicOpen = phrase(
  '(?:that (?:is|are) )?(?:about|regarding|concerning|on the subject of|on the topic of|related to|relating to|pertaining to|having to do with|in (?:regards?|reference|relation) to|with (?:regards?|reference) to|with (?:the )?(?:subject|title|word|words|subject line)|on|for|re|with|titled|mentioning|containing|that (?:mentions?|contains?|says?|talks? about))(?: the (?:word|words|subject|topic))?',
);
const boxTail = phrase(
  '(?:that are |that is |are |is )?(?:in|on|from|to) (?:(?:my|our|the) )?(?:(?:gmail|google|company|work|office|personal|private|naverworks)(?: (?:inbox|mailbox|email|mail|account|emails))?|inbox|mailbox|email|emails|mail|email account|mail account|email inbox)',
);
const arrived = phrase(
  `(?:that )?(?:(?:do|did|have|has) (?:i|we) (?:have|get|got|gotten|receive|received|miss|missed)|(?:i|we) (?:have |just |have just )?(?:got|gotten|received|have|missed|get)|(?:has |have |was |were |is |are )?(?:just )?(?:arrived?|come in|came in|come|came|been sent|been received|sent|received|waiting|coming in)(?: (?:in|to me|me|for me|to my inbox))?|are there|is there|were there|was there|are unread|are new|unread|to me|for me)`,
);
const filler = phrase(
  'recently|lately|yet|so far|new|there|today|that are|which are|are|waiting|already|since then',
);
const datePlace = phrase(
  'since|from|for|on|in|before|after|between|during|within|of|and|until|till|over|through|at|around|by|the',
);

/** Check my inbox for new emails: the noun once more. */
const nounAgain = phrase(
  '(?:for|and) (?:(?:any|all|an|a|the|some|new|unread|recent|latest|last|my) )*(?:emails?|mails?|messages?)|about(?=$)',
);

/** Nobody can be found by these: who is meant stands in another message. */
const pronouns = wordSet(
  `him her them it you me us that this these those someone anyone somebody anybody everyone everybody whoever sender who whom what which
   people person all any last latest past previous next same there here then now yesterday today recent`,
);
const nameStops = wordSet(
  `on for about regarding concerning mentioning containing titled and or in from in by since to at with that who which i have has had did do
   sent received this last latest re related today yet saying asking if when is are was were having called between before after within over`,
);
const wordStops = wordSet(
  `on for in from by since about regarding that which who i have has had did do sent received is are was were yet saying within between before after and or`,
);
const hoursWord = /^(?:hours?|hrs?|minutes?|mins?|seconds?|days?|weeks?|months?|years?)$/;
const articles = phrase('my|our|the|a|an|some|any');
/** Devices and accounts that no folder stands for. */
const elsewhere =
  /^(?:attach(?:ment|ments|ed)|stamps?|timestamps?|pictures?|photos?|phone|computer|laptop|desktop|tablet|outlook|yahoo|hotmail|icloud|account|twitter|facebook|slack)$/;

function readName(reader: PhraseReader): string[] | null {
  while (reader.eat(articles)) continue;
  const words = reader.words(4, nameStops);
  const [first] = words;
  if (first === undefined || pronouns.has(first) || words.some((word) => hoursWord.test(word))) {
    return null;
  }
  return words;
}

/** What is sought: up to six words; null where they stand for something said before, or for a span of time. */
function readWords(reader: PhraseReader): string[] | null {
  while (reader.eat(articles)) continue;
  const words = reader.words(6, wordStops);
  const [first] = words;
  const isVague = first === undefined || (pronouns.has(first) && words.length < 3);
  if (isVague || words.some((word) => hoursWord.test(word) || elsewhere.test(word))) return null;
  return /^(?:last|past|previous|next)$/.test(first) ? null : words;
}

const nothing = (): Found => ({
  from: [],
  query: [],
  hasTime: false,
  hasDate: false,
  isReceived: false,
});

function readTail(reader: PhraseReader): Found | null {
  const found = nothing();
  while (!reader.isDone) {
    if (reader.eatDate()) found.hasDate = true;
    else if (reader.eatTime()) found.hasTime = true;
    else if (reader.eat(boxTail) ?? reader.eat(arrived)) found.isReceived = true;
    else if (
      /^(?:since|from|for|on|in|before|after|between|during|within|of|and|until|till|over|through|at|around|by)(?: the)? ?[\ue000\ue001]/.test(
        reader.rest,
      )
    ) {
      reader.eat(datePlace);
    } else if (reader.eat(filler)) continue;
    else if (reader.eat(by)) {
      const name = readName(reader);
      if (name === null || found.from.length > 0) return null;
      found.from = name;
    } else if (reader.eat(topicOpen)) {
      const words = readWords(reader);
      if (words === null || found.query.length > 0) return null;
      found.query = words;
    } else if (reader.eat(datePlace) === null || !/^[\ue000\ue001]/.test(reader.rest)) return null;
  }
  return found;
}

const withNoun = (noun: MailNoun, tail: Found | null): Found | null =>
  tail && { ...tail, query: [...noun.before, ...tail.query] };

const isAnchored = (noun: MailNoun, tail: Found): boolean =>
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
  if (reader.eat(haveHead) === null && !/^any/.test(reader.rest)) return null;
  if (reader.eat(anythingNew) !== null) {
    const tail = readTail(reader);
    const isMail =
      frame.place === 'mail' || /\b(?:inbox|mailbox|email|mail|gmail)\b/.test(frame.body);
    return tail && isMail && isReal(tail) ? tail : null;
  }
  const noun = readMailNoun(reader, 4);
  return noun && withNoun(noun, readTail(reader));
};

const isReal = (tail: Found): boolean =>
  tail.isReceived || tail.from.length > 0 || tail.query.length > 0;

const lookHead = phrase(
  '(?:check|show|read|open|list|hear|report|see|view|look at|look through|look over|get|bring up|pull up|go through|go to|go into|fetch|summari[sz]e|display|scan|refresh|retrieve|recite|play|give|tell|read out|read aloud|go over|review|give me a summary of|let me know|access|load|bring|any updates? (?:on|in))(?: (?:me|to me|us|up|out|off))?(?: (?:and see|if i have|if there are|for|on|in|about|of|to see|what is in|everything in|the (?:contents?|subjects?|subject lines?|titles?|senders?|list) of|a list of|list of))?',
);

/** Check my email, show me new emails from mark, read the latest mail. */
const lookAtMail: Head = (reader) => {
  const isReading = /^(?:check|read|see|refresh|view|show)\b/.test(reader.rest);
  if (reader.eat(lookHead) === null) return null;
  reader.eat(partOf);
  const noun = readMailNoun(reader, 0);
  if (noun === null || noun.isIndefinite) return null;
  const tail = readTail(reader);
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
  return noun && withNoun(noun, readTail(reader));
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
  const tail = readTail(reader);
  // "What is my email" asks for an address, "what is email" for its meaning.
  if (tail === null) return null;
  if (isThere && !isIn && !noun.isBox && !noun.isReceived && !tail.isReceived && !isPart) {
    if (noun.isSingular || !(noun.isOwn || tail.hasDate || tail.from.length > 0)) return null;
  }
  return noun.isSingular && !isThere ? null : tail;
};

const whoHead = phrase(
  'who(?:se| all)?(?: (?:has|have|is|was|just|else))? (?:emailed|mailed|email|(?:sent|sending|send)(?: me| us)? (?=.{0,40}\\b(?:emails?|mails?)\\b))(?: (?:me|us))?',
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
  return readTail(reader);
};

/** Who emailed me today, who sent the last email. */
const whoWrote: Head = (reader) => {
  if (reader.eat(whoHead) === null) return null;
  reader.eat(afterWho);
  return readTail(reader);
};

const didHead = phrase(
  'did|has|have|when did|what did|what has|what(?! (?:is|are|was|were|do|does|will|should|can)\\b)|where did|does|when has',
);
const wroteMe = phrase(
  '(?:last )?(?:email(?:ed)?|mail(?:ed)?) (?:me|us)(?: back)?|(?:last )?(?:send|sent|forward|forwarded|write|written|wrote) (?:(?:me|us) )?(?:back )?(?:any|an|a|some|the|that|new|more|another|my|his|her|their| )*(?:emails?|mails?)(?: to me| back)?|(?:reply|replied|respond|responded|answer|answered)(?: back)? (?:to )?(?:my|our|the)(?: last| latest| recent)? (?:emails?|mails?)',
);
const senderStops = wordSet(
  'send sent email emailed mail mailed forward forwarded write written wrote last reply replied respond responded answer answered i we you yet already ever just',
);
const soFar = phrase('just|already|ever|yet');

/** Did kim email me, has bob sent me an email about the budget, did sara reply to my email. */
const didWrite: Head = (reader) => {
  if (reader.eat(didHead) === null) return null;
  while (reader.eat(articles)) continue;
  const from = reader.words(4, senderStops);
  if (
    from[0] === undefined ||
    pronouns.has(from[0]) ||
    /^(?:he|she|they|it|one|anything)$/.test(from[0])
  )
    return null;
  reader.eat(soFar);
  if (reader.eat(wroteMe) === null) return null;
  const tail = readTail(reader);
  return tail && tail.from.length === 0 ? { ...tail, from } : null;
};

const whenHead = phrase(
  'when (?:was|is|did)(?: i| we)?(?: last)?(?: (?:get|receive|have))?|how long ago (?:was|did i get)',
);

/** When was the last email from bob. */
const whenMail: Head = (reader) => {
  if (reader.eat(whenHead) === null) return null;
  const noun = readMailNoun(reader, 0);
  const tail = noun && readTail(reader);
  return tail && tail.from.length > 0 ? tail : null;
};

/** Emails from amazon, my new mail, inbox: no verb, so it must say whose or since when. */
const bareMail: Head = (reader) => {
  const noun = readMailNoun(reader, 0);
  if (noun === null || noun.isIndefinite) return null;
  const tail = readTail(reader);
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
  const frame = frameOf(clause.masked);
  if (frame.body.split(' ').length > wordsMax || isOtherWork(frame.body)) return null;
  for (const head of heads) {
    const found = head(new PhraseReader(frame.body), frame);
    if (found !== null) return outcomeOf(clause, frame, found);
  }
  return null;
}

function outcomeOf(clause: Clause, frame: Frame, found: Found): RuleOutcome | null {
  const dates = clauseDates(clause, 'past');
  if (dates?.ok === false) return dateQuestion(clause, 'mail', dates);
  // Mail since five: without a day no parameter holds it.
  if (found.hasTime && dates === null) return null;
  const call = mailCall({
    dates,
    today: clause.today,
    query: sought(found.query),
    from: found.from.filter((word) => !stopWords.has(word)).join(' '),
    folder: folderOf(frame.body.split(/[^a-z]+/)),
  });
  return { kind: 'calls', rule: 'mail', calls: [call] };
}
