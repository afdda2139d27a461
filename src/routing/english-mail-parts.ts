/**
 * The parts of English mail questions: the noun with what is said in front of it (my unread emails, the invoice
 * mail), and the tail of senders, subjects and dates behind it.
 */
import { anyMark, phrase, type PhraseReader, wordSet } from './phrase-reader.ts';
import { folderMark } from './word-classes.ts';

/** What a tail says. */
export interface MailTail {
  from: string[];
  query: string[];
  hasTime: boolean;
  hasDate: boolean;
  /** That arrived, in my inbox: somebody's mailbox is meant. */
  isReceived: boolean;
}

export interface MailNoun {
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
/** Words for a mailbox; the mark stands for those of this home. */
const accounts = `gmail|google|company|work|office|personal|private|${folderMark}`;
const account = phrase(accounts);
const plural = phrase('emails|mails|messages');
const uncountable = phrase('mail|email messages|mail messages');
const singular = phrase('email|message');
const box = phrase(
  `(?:(?:email|mail|${accounts}) )?(?:inbox|inboxes|mailbox|mailboxes)|gmail|(?:email|mail|gmail)(?: account)?(?= (?:inbox|for)\\b)|(?:email|mail|gmail) accounts?`,
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
export function readMailNoun(reader: PhraseReader, wordsMax: number): MailNoun | null {
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
  const isInBox = /\b(?:inbox|mailbox)\b/.test(reader.rest);
  if (isMessage && !isInBox && !(noun.isReceived && noun.before.length === 0)) return null;
  return noun;
}

/** The emails that sam sent me. */
const sentBy = phrase(
  "(?:that |did |has )?(?:my |the )?(?!(?:i|we|you|he|she|they|it|was|were|has|have|is|are|been|just|not|never|that|who|which|from|by|and|in|on|about)\\b)(?<name>[\\p{L}'.-]+(?: (?!has\\b|sent\\b)[\\p{L}'.-]+)?)(?: has)? (?:sent|send|emailed|wrote)(?: to)?(?: me| us)?",
);
const by = phrase('(?:sent |received |written |coming |came )?(?:from|by)');
const topicOpen = phrase(
  '(?:that (?:is|are) )?(?:about|regarding|concerning|on the subject of|on the topic of|related to|relating to|pertaining to|having to do with|in (?:regards?|reference|relation) to|with (?:regards?|reference) to|with (?:the )?(?:subject|title|word|words|subject line)|on|for|re|with|titled|mentioning|containing|that (?:mentions?|contains?|says?|talks? about))(?: the (?:word|words|subject|topic))?',
);
const boxTail = phrase(
  `(?:that are |that is |are |is )?(?:in|on|from|to) (?:(?:my|our|the) )?(?:(?:${accounts})(?: (?:inbox|mailbox|email|mail|account|emails|folder))?|inbox|mailbox|email|emails|mail|email account|mail account|email inbox)`,
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

/** Emails about the conference in Berlin. */
const placeOfTopic = phrase('in|at');
/** From monday, as in from tom: what follows decides. */
const beforeMark = new RegExp(
  `^(?:since|from|for|on|in|before|after|between|during|within|of|and|until|till|over|through|at|around|by)(?: the)? ?${anyMark}`,
  'u',
);
/** Check my inbox for new emails: the noun once more. */
const nounAgain = phrase(
  '(?:for|and) (?:(?:any|all|an|a|the|some|new|unread|recent|latest|last|my) )*(?:emails?|mails?|messages?)|about(?=$)',
);

/** Pronouns are no search words for a sender: they refer to another message. */
export const pronouns = wordSet(
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
const hoursWord = /^(?:hours?|hrs|minutes?|mins?|seconds?|days?|weeks?|months?|years?)$/;
export const articles = phrase('my|our|the|a|an|some|any');
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

const nothing = (): MailTail => ({
  from: [],
  query: [],
  hasTime: false,
  hasDate: false,
  isReceived: false,
});

export function readMailTail(reader: PhraseReader): MailTail | null {
  const found = nothing();
  while (!reader.isDone) {
    const writer = found.from.length === 0 ? reader.eat(sentBy)?.['name'] : undefined;
    if (writer !== undefined) {
      found.from = writer.split(' ');
      found.isReceived = true;
    } else if (reader.eatDate()) found.hasDate = true;
    else if (reader.eatTime()) found.hasTime = true;
    else if (reader.eat(boxTail) ?? reader.eat(arrived)) found.isReceived = true;
    else if (beforeMark.test(reader.rest)) {
      reader.eat(datePlace);
    } else if (reader.eat(nounAgain) ?? reader.eat(filler)) continue;
    else if (reader.eat(by)) {
      const name = readName(reader);
      if (name === null || found.from.length > 0) return null;
      found.from = name;
    } else if (reader.eat(topicOpen)) {
      const words = readWords(reader);
      if (words === null || found.query.length > 0) return null;
      found.query = words;
    } else if (found.query.length > 0 && reader.eat(placeOfTopic)) {
      const words = readWords(reader);
      if (words === null) return null;
      found.query.push(...words);
    } else if (reader.eat(datePlace) === null || !reader.isAtMark) return null;
  }
  return found;
}
