/** The parts of English mail questions: the noun with its modifiers, and the tail of senders, subjects and dates. */
import { anyPlaceholder, phrase, type PhraseScanner } from '../phrase-scanner.ts';
import { wordSet } from '../word-lists.ts';
import { folderPlaceholder } from '../token-types.ts';

const emptyTail = () => ({
  from: [] as string[],
  query: [] as string[],
  hasTime: false,
  hasDate: false,
  /** "That arrived", "in my inbox": received mail is meant. */
  isReceived: false,
});
export type MailTail = ReturnType<typeof emptyTail>;

const emptyNoun = () => ({
  /** `email` in the singular: may also be a mail to write, or an address. */
  isSingular: false,
  isOwn: false,
  isIndefinite: false,
  isBox: false,
  /** New, unread, latest. */
  isReceived: false,
  /** Words in front of the noun that name the topic: the invoice email. */
  before: [] as string[],
});
export type MailNoun = ReturnType<typeof emptyNoun>;

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
/** Words for a mailbox; `folderPlaceholder` stands for the configured words. */
const accounts = `gmail|google|company|work|office|personal|private|${folderPlaceholder}`;
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
/** Email address, email template: not about the mailbox. */
const notMail = phrase(
  '(?:address|addresses|id|ids|template|templates|subject|header|headers|list|lists|signature|server|app|client|format|marketing|contact|contacts|password|provider)',
);

/** @param wordsMax maximum of unknown words in front of the noun; they become search words */
export function parseMailNoun(scanner: PhraseScanner, wordsMax: number): MailNoun | null {
  const noun = emptyNoun();
  let isMessage = false;
  for (let round = 0; round < 12; round += 1) {
    if (scanner.consume(own)) noun.isOwn = true;
    else if (scanner.consume(received)) noun.isReceived = true;
    else if (scanner.consume(indefinite)) noun.isIndefinite = true;
    else if (scanner.consume(determiner) ?? scanner.consume(quality)) continue;
    else if (scanner.consumeDate()) continue;
    else if (scanner.consume(box)) {
      noun.isBox = true;
      break;
    } else if (scanner.consume(uncountable)) break;
    else if (/^messages?\b/.test(scanner.rest)) {
      isMessage = true;
      noun.isSingular = scanner.consume(singular) !== null;
      if (!noun.isSingular) scanner.consume(plural);
      break;
    } else if (scanner.consume(plural)) break;
    else if (scanner.consume(singular)) {
      if (scanner.consume(plural) ?? scanner.consume(box)) break;
      noun.isSingular = true;
      break;
    } else if (scanner.consume(account)) continue;
    else {
      const words = scanner.takeWords(1, beforeStops);
      if (words.length === 0 || noun.before.length >= wordsMax || words[0]?.includes("'"))
        return null;
      noun.before.push(...words);
    }
  }
  if (scanner.consume(notMail)) return null;
  // "Messages" may be of any kind; unread messages, or those in the inbox, are mail.
  const isInBox = /\b(?:inbox|mailbox)\b/.test(scanner.rest);
  if (isMessage && !isInBox && !(noun.isReceived && noun.before.length === 0)) return null;
  return noun;
}

/** "The emails that sam sent me". */
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

/** "Emails about the conference in Berlin": the place belongs to the topic. */
const placeOfTopic = phrase('in|at');
/** "From monday" looks like "from tom": the placeholder after it decides. */
const beforeMark = new RegExp(
  `^(?:since|from|for|on|in|before|after|between|during|within|of|and|until|till|over|through|at|around|by)(?: the)? ?${anyPlaceholder}`,
  'u',
);
/** "Check my inbox for new emails": the noun again. */
const nounAgain = phrase(
  '(?:for|and) (?:(?:any|all|an|a|the|some|new|unread|recent|latest|last|my) )*(?:emails?|mails?|messages?)|about(?=$)',
);

/** A pronoun is no name of a sender: it refers to another message. */
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
/** Devices, attachments and accounts that are no mail folder. */
const elsewhere =
  /^(?:attach(?:ment|ments|ed)|stamps?|timestamps?|pictures?|photos?|phone|computer|laptop|desktop|tablet|outlook|yahoo|hotmail|icloud|account|twitter|facebook|slack)$/;

function parseName(scanner: PhraseScanner): string[] | null {
  while (scanner.consume(articles)) continue;
  const words = scanner.takeWords(4, nameStops);
  const [first] = words;
  if (first === undefined || pronouns.has(first) || words.some((word) => hoursWord.test(word))) {
    return null;
  }
  return words;
}

/** Up to six search words; null if they refer to something said before, or name a length of time. */
function parseSearchWords(scanner: PhraseScanner): string[] | null {
  while (scanner.consume(articles)) continue;
  const words = scanner.takeWords(6, wordStops);
  const [first] = words;
  const isVague = first === undefined || (pronouns.has(first) && words.length < 3);
  if (isVague || words.some((word) => hoursWord.test(word) || elsewhere.test(word))) return null;
  return /^(?:last|past|previous|next)$/.test(first) ? null : words;
}

export function parseMailTail(scanner: PhraseScanner): MailTail | null {
  const found = emptyTail();
  while (!scanner.isDone) {
    const writer = found.from.length === 0 ? scanner.consume(sentBy)?.['name'] : undefined;
    if (writer !== undefined) {
      found.from = writer.split(' ');
      found.isReceived = true;
    } else if (scanner.consumeDate()) found.hasDate = true;
    else if (scanner.consumeTime()) found.hasTime = true;
    else if (scanner.consume(boxTail) ?? scanner.consume(arrived)) found.isReceived = true;
    else if (beforeMark.test(scanner.rest)) {
      scanner.consume(datePlace);
    } else if (scanner.consume(nounAgain) ?? scanner.consume(filler)) continue;
    else if (scanner.consume(by)) {
      const name = parseName(scanner);
      if (name === null || found.from.length > 0) return null;
      found.from = name;
    } else if (scanner.consume(topicOpen)) {
      const words = parseSearchWords(scanner);
      if (words === null || found.query.length > 0) return null;
      found.query = words;
    } else if (found.query.length > 0 && scanner.consume(placeOfTopic)) {
      const words = parseSearchWords(scanner);
      if (words === null) return null;
      found.query.push(...words);
    } else if (scanner.consume(datePlace) === null || !scanner.isAtPlaceholder) return null;
  }
  return found;
}
