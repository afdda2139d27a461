/**
 * Shapes of English requests, as data. English keeps the order of its words, so a request is recognised as
 * a whole sentence: a shape matches from the first word to the last or not at all, which keeps
 * "meeting notes", "the meeting was long" and "how do I run a meeting" out.
 *
 * D and T stand for a date and a time that were read.
 */
import { dateMark, timeMark } from './word-classes.ts';

const date = `${dateMark}(?:'s)?`;
const mark = `(?:${date}|${timeMark})`;

const polite =
  "(?:(?:hey|hi|hello|ok|okay|so|and|also|then|well|now|please|pls|can you|could you|would you|will you|can i|could i|i want to|i'd like to|i would like to|i need to|let me|let's|just|quickly)[,\\s]+)*";
const closing =
  '(?:[,\\s]+(?:please|pls|thanks|thank you|for me|right now|now|currently|at the moment|again|too|as well|or not|there))*';

const calendarNoun = '(?:calendar|schedule|agenda|diary)';
const eventNoun = '(?:meetings?|appointments?|events?|calls?|plans)';
const anyCalendar = `(?:${calendarNoun}|${eventNoun})`;
/** Words in front of the noun: team, dentist, weekly. Verbs and question words of other requests are none. */
const modifier =
  "(?:(?!to\\b|how\\b|why\\b|about\\b|for\\b|on\\b|tips?\\b|advice|ideas?\\b|ways?\\b|help\\b|examples?\\b|template|rules?\\b|names?\\b|notes?\\b|write\\b|a\\b|mail|email|file|document)[a-z][a-z'-]*\\s+){0,3}?";
const determiner =
  "(?:(?:my|our|the|a|an|any|all|all of|some|this|of|upcoming|today's|other|more)\\s+)*";
const name =
  "[\\p{L}\\p{N}@.&'_-]+(?:\\s+(?!on\\b|for\\b|about\\b|and\\b|in\\b|from\\b)[\\p{L}\\p{N}@.&'_-]+){0,3}?";

const calendarTail = `(?:[,\\s]+(?:for|on|in|at|of|and|or|to|until|between|the|my|our|this|look|looks|looking|like|have|scheduled|planned|coming(?: up)?|upcoming|left|remaining|set|there|rest of|again|week|day|morning|afternoon|evening|night|with\\s+${name}|about\\s+${name}|${mark}))*`;

const sentence = (body: string): RegExp => new RegExp(`^${polite}(?:${body})${closing}$`, 'u');

/** Questions about the calendar. The group `open` says which way a question without a date looks. */
export const calendarShapes: readonly RegExp[] = [
  `what(?:'s|s| is| do i have| have i got| do we have)?(?: there)?(?: coming up)? (?:on|in) (?:my |our |the )?${calendarNoun}${calendarTail}`,
  `what(?:'s|s| is| are| was| were) (?:on )?(?:${mark} )?(?:my|our|the) (?:(?<open>next|last|upcoming) )?${modifier}(?:${mark} )?${anyCalendar}${calendarTail}`,
  `what does (?:my|our|the) (?:${calendarNoun}|day) (?:look|looks) like${calendarTail}`,
  `how(?:'s| is| does) (?:my|our|the) ${calendarNoun}(?: look(?:ing)?)?${calendarTail}`,
  `(?:do|did) (?:i|we) have ${determiner}${modifier}${eventNoun}${calendarTail}`,
  `(?:do|did) (?:i|we) have (?:anything|something)(?: (?:on|scheduled|planned|going on|in|my|our|the|${calendarNoun}))*(?: (?:on|for|in|at))?\\s+${mark}${calendarTail}`,
  `(?:do|did) (?:i|we) have (?:anything|something) (?:on|in) (?:my|our|the) ${calendarNoun}${calendarTail}`,
  `have (?:i|we) got ${determiner}${modifier}${eventNoun}${calendarTail}`,
  `(?:is|are|was|were) there ${determiner}${modifier}${eventNoun}${calendarTail}`,
  `(?:is|are|was|were) there (?:anything|something) (?:on|in) (?:my|our|the) ${calendarNoun}${calendarTail}`,
  `any(?:thing)? (?:on |in )?${determiner}${modifier}${anyCalendar}${calendarTail}`,
  `(?:show|tell|give|list|read|check|open|see|view|display|look at|pull up|get|bring up)(?: me)?(?: about| what's on| what is on| what i have on| to)? ${determiner}(?:(?<open>next|last) )?(?:${mark} )?${modifier}(?:${mark} )?${anyCalendar}${calendarTail}`,
  `(?<when>when|what time|where|who)(?:'s|s| is| are| was| were| do i have| does)? ${determiner}(?:(?<open>next|last|first) )?(?:${mark} )?${modifier}(?:${mark} )?${eventNoun}(?: start| begin| end| again| with ${name})?${calendarTail}`,
  `(?:what|which|how many) ${modifier}${eventNoun} (?:do i have|do we have|did i have|are there|have i got|are|were|am i having|is there|i have)${calendarTail}`,
  `am i (?:free|busy|available|booked)${calendarTail}\\s*${date}${calendarTail}`,
  `who (?:am i|are we) meeting(?: with)?${calendarTail}\\s*${date}${calendarTail}`,
  `(?<bare>(?:my |our |the )?(?:${mark}\\s+)?${calendarNoun}${calendarTail})`,
  `(?<bare>(?:my |our |all )*(?:(?<open>next|upcoming)\\s+)?(?:${mark}\\s+)?${eventNoun}(?:[,\\s]+(?:for|on|in|the|my|this))*\\s+${mark}${calendarTail})`,
  `(?:my |our |the )*(?:${date}\\s+)(?:my |our )?${anyCalendar}`,
  `my (?:(?<open>next|upcoming)\\s+)?(?:meetings|appointments|events|appointment|meeting)`,
].map(sentence);

const account = '(?:gmail|google|company|work|office|personal|private|naverworks)';
const mailNoun = '(?:e-?mails?|mails?|inbox|mailbox|gmail|new mail|messages in my inbox)';
const mailWord =
  '(?:new|unread|recent|latest|important|urgent|all|any|my|the|our|some|of|more|other|incoming|in)';
/** The words that begin another part of a mail question are no words of this part: one reading, not many. */
const mailSplit =
  '(?!(?:on|for|in|from|by|since|about|regarding|concerning|mentioning|containing|with|re)(?![\\p{L}\\p{N}]))';
const mailToken = `${mailSplit}[\\p{L}\\p{N}"'&@._-]+`;
const words = `${mailToken}(?:\\s+${mailToken}){0,5}?`;
const mailTail = `(?:[,\\s]+(?:(?:sent |received )?(?:from|by) ${name}|(?:about|regarding|concerning|mentioning|containing|on the subject of|with|on|for|re) ${words}|${mark}|on|for|in|since|that arrived|that came|i got|i received|received|today|in my (?:inbox|${account}(?: inbox| mail| account)?)|my inbox|sent|yet|to me|me|arrive|arrived|come in|came in|waiting))*`;

const tailEnds = `(?=\\s+(?:about|regarding|concerning|mentioning|containing|with|from|by|in my|that|sent|received|since|yet|or not|please|thanks)(?:\\s|$)|\\s*[${dateMark}${timeMark},]|$)`;

/** Inside a mail question: whose mail, and about what. Groups in a repeated tail would forget all but the last. */
export const mailSender = new RegExp(
  `\\b(?:from|by) (?<from>[^${dateMark}${timeMark},]+?)${tailEnds}`,
  'u',
);
export const mailSubject = new RegExp(
  `\\b(?:about|regarding|concerning|mentioning|containing|on the subject of|with|re) (?<query>[^${dateMark}${timeMark},]+?)${tailEnds}`,
  'u',
);

/** Questions about the mailbox. */
export const mailShapes: readonly RegExp[] = [
  `have (?:any|some|the)(?: ${mailWord})* (?:e-?mails?|mails?) (?:arrived|come|come in)${mailTail}`,
  `(?:(?:is|are) there|do i have|have i got|have i|did i get|did i receive|got|have i received|did)?\\s*(?:any|an|a|some)(?:thing)?(?: ${mailWord})*(?: ${account})? (?:(?<before>${words}) )?${mailNoun}${mailTail}`,
  `(?:check|show|read|open|list|see|look at|get|summari[sz]e|display|view|pull up|go through|fetch)(?: me)?(?: ${mailWord})*(?: ${mark})?(?: ${account})?(?: ${mark})? ${mailNoun}${mailTail}`,
  `(?:search|look)(?: in| through)?(?: ${mailWord})*(?: ${account})? ${mailNoun} for (?<query>${words})(?:\\s+${mark})*`,
  `(?:find|search|look for|search for|look up|search through|search in)(?: me)?(?: ${mailWord}| an?)*(?: ${account})? (?:(?<before>${words}) )?${mailNoun}${mailTail}`,
  `what(?:'s|s| is| came| arrived)?(?: new)?(?: in)? (?:my|the|our)(?: ${account})? ${mailNoun}${mailTail}`,
  `(?:what|which|how many)(?: ${mailWord})* (?:e-?mails?|mails?)(?: (?:do i have|did i get|did i receive|are there|have i got|came in|came|arrived|are))?${mailTail}`,
  `(?:did|has|have) (?<sender>${name}) (?:send|sent|email|emailed|mail|mailed|write|written)(?: me)?(?: an?y?(?: e-?mails?| mails?)?)?(?: (?:about|regarding) ${words})?(?:\\s+${mark})*`,
  `(?:${mailWord}\\s+)*(?:${account}\\s+)?(?:${mark}\\s+)?${mailNoun}${mailTail}`,
].map(sentence);

const documentNoun = '(?:documents?|docs?|files?)';
const documentWords = '[\\p{L}\\p{N}"\'&@._/+#-]+(?:\\s+[\\p{L}\\p{N}"\'&@._/+#-]+){0,9}?';
const documentMods = '(?:my|the|a|an|any|all|all of|our|some|that|every|of)';
const about =
  '(?:about|on|for|regarding|concerning|with|containing|called|named|titled|mentioning|related to|that mentions?|that contains?|from|of|where|which mentions?)';
const seek =
  "(?:find|search for|search|look for|look up|locate|i'm looking for|i am looking for|looking for|get|pull up|where is|where's|where are|do we have|do i have|is there)(?: me)?";

/** Searches for documents. */
export const documentShapes: readonly RegExp[] = [
  `(?:search|look|check)(?: in| through)?(?: ${documentMods})* ${documentNoun} ${about} (?<query>${documentWords})`,
  `${seek}(?: ${documentMods})* (?:(?<before>${documentWords}) )?${documentNoun} ${about}(?: ${documentMods})* (?<query>${documentWords})`,
  `${seek} (?<query>${documentWords}) in(?: ${documentMods})* ${documentNoun}`,
  `(?:find|search for|look for|look up|locate|i'm looking for|i am looking for|looking for)(?: me)?(?: ${documentMods})* (?<query>${documentWords}) ${documentNoun}`,
  `${documentNoun} ${about} (?<query>${documentWords})`,
].map(sentence);

/** A search that names no words. */
export const documentEmptyShape: RegExp = sentence(
  `(?:find|search(?: for| in| through)?|look for|look up|locate)(?: me)?(?: ${documentMods})* ${documentNoun}`,
);

const machine =
  '(?:the |your |our |my )?(?:(?:ai|inference|reasoning|big|small|local|language|chat|main|mail|model) )*(?:server|servers|system|model|models|gemma|qwen|exaone|queue|job queue|backend|backends|llm|gpu|gatehouse|mac ?mini|macbook)';
const condition =
  '(?:busy|slow|up|down|running|alive|working|ok|okay|fine|free|idle|online|offline|stuck|responding|overloaded|available|healthy|ready|full|empty|loaded|connected|there|up and running|dead|hanging)';

/** Questions about the servers and the queue. */
export const statusShapes: readonly RegExp[] = [
  `(?:is|are) ${machine}(?: (?:still|currently|really|very|so|too|all))* ${condition}(?: (?:or ${condition}|today|${date}))*`,
  `why (?:is|are) ${machine}(?: (?:so|this|very|still))* (?:busy|slow|stuck|down|offline|overloaded)(?: ${date})?`,
  `how(?:'s| is| are) ${machine}(?: (?:doing|going|holding up|running|feeling))?(?: ${date})?`,
  `how (?:busy|loaded|full|slow|long|big) (?:is|are) ${machine}(?: ${date})?`,
  `how many (?:jobs|requests|tasks|messages) (?:are |is )?(?:(?:still )?(?:waiting|queued|pending|running)|in (?:the|your) queue)(?: in (?:the|your) queue)?`,
  `(?:(?:what(?:'s|s| is)|show|show me|check|tell me|give me|get)\\s+)?(?:the |your |current )*(?:${machine} )?(?:status|health|load)(?: (?:report|check|update))?(?: of ${machine})?`,
  `what(?:'s|s| is) ${machine} (?:doing|working on)`,
  'gemma|qwen|exaone',
].map(sentence);
