/**
 * English requests about the memory. "Remember that …" keeps a statement; "remember to …" is a thing to do, "do you remember …"
 * a question, "don't forget to …" a reminder, and "forget it" alone ends a topic: these are null, or for the tool to judge.
 */
import type { MemoryClause, MemoryRequest } from '../memory/memory-request.ts';

const leading =
  /^(?:(?:hey|hi|hello|ok|okay|please|pls|kindly|also|and|so|then|now|just|well|oh|gatehouse|can you|could you|would you|will you|can u|i want you to|i need you to|i'?d like you to|i would like you to|you should|you must|do me a favor and|go ahead and|for future reference|for the record|fyi|by the way|btw)(?:\s+please)?[\s,:]+)+/u;
const trailing =
  /(?:[\s.!,;~]|(?<=[\s,])(?:please|pls|plz|thanks|thank you|thx|for me|ok|okay|for later|for next time|from now on|forever))+$/u;

const verb =
  "(?:remember|memori[sz]e|keep in mind|bear in mind|note|take note|make a (?:mental )?note|don'?t forget|do not forget|never forget|commit to memory)";
const store =
  '(?:(?:save|store|add|put|write|commit) (?:this|that|it|the following)? ?(?:in|into|to) (?:your |the |my )?(?:long[- ]term )?memory)';
const after =
  '(?: this| the following| one thing| something| these facts?| this fact| for me| for later| please)*';

/** remember: …, save this to memory: … */
const marked = new RegExp(
  `^(?:${verb}|${store}|memory|note to memory|new memory|fact)${after}\\s*(?:[:;]|\\s-\\s|,(?= (?:i|my|our|we)\\b))\\s*(?<text>.+)$`,
  'u',
);
/** remember that … */
const withThat = new RegExp(`^(?:${verb}|${store})${after} that,? (?<text>.+)$`, 'u');
/** remember my wifi password is … */
const withOwner = new RegExp(
  `^(?:remember|memori[sz]e|keep in mind|bear in mind|note|don'?t forget|never forget)(?: please| for me)? (?<text>(?:my|our|i|i'm|i've|i'd|i'll|we|we're|we've|the|his|her|their)\\b.+)$`,
  'u',
);
/** My dog is called Bori. Remember that. */
const behind = new RegExp(
  `^(?<text>.+?)[\\s.,;!-]+(?:and |so |please )*(?:(?:${verb}|memorise) (?:that|this|it)|keep (?:that|this|it) in mind|${store})$`,
  'u',
);
/** You should know that I …, for future reference, I … */
const told = /^(?:know|be aware) that (?<text>(?:i|my|our|we)\b.+)$/u;

const predicate =
  /(?:'s|'m|'re|'ve|'d|=)\b|\b(?:is|are|am|was|were|be|has|have|had|do|does|did|don't|doesn't|didn't|dont|can|can't|cannot|could|will|won't|should|must|like|likes|love|loves|hate|hates|dislike|prefer|prefers|live|lives|work|works|need|needs|want|wants|drive|drives|eat|eats|drink|drinks|speak|speaks|use|uses|call|calls|go|goes|take|takes|play|plays|study|moved|born|got|wear|wears|own|owns|keep|keeps|start|starts|end|ends|opens?|closes?|means|costs?|lives?|sleeps?|wakes?|comes?|runs?|allergic|named|called)\b|[:=]\s*\S/u;
/** A question, or a thing to do. */
const asksNow =
  /^(?:what|when|where|who|whom|whose|which|why|how|if|whether|to|me|us|him|her|them|it|this|when|how|the (?:time|day|night|year|song|movie|film|guy|girl|one|name of)|that (?:time|day|night|guy|girl|song|movie|film|one)|time|song|movie|titans?)\b/u;
const refersBack =
  /^(?:what|everything|all|anything)\b.*|^(?:this|that|it|these|those|this conversation|this file|this (?:e?mail|document|message|chat)|the above|the (?:last|previous) (?:message|answer))$/u;

export function englishMemory(clause: MemoryClause): MemoryRequest | null {
  const start = leading.exec(clause.text)?.[0].length ?? 0;
  const end = clause.text.length - (trailing.exec(clause.text.slice(start))?.[0].length ?? 0);
  if (end <= start) return null;
  const cut = { text: clause.text.slice(start, end), cased: clause.cased.slice(start, end) };
  return list(cut) ?? forget(cut) ?? keep(cut, clause.text.slice(0, start));
}

function keep(clause: MemoryClause, before: string): MemoryRequest | null {
  const isAsked = clause.text.endsWith('?');
  // "Can you remember that I am vegetarian?" tells, "remember that time we went to Paris?" asks.
  if (isAsked && !/\b(?:can|could|would|will) (?:you|u)\b/u.test(before)) return null;
  const text = clause.text.replace(/[?\s]+$/u, '');
  const cased = clause.cased.slice(0, text.length);
  const plain = marked.exec(text)?.groups?.['text'];
  if (plain !== undefined) return kept(plain, text, cased);
  const said =
    (withThat.exec(text) ?? withOwner.exec(text) ?? told.exec(text))?.groups?.['text'] ?? null;
  if (said !== null) {
    if (asksNow.test(said) || refersBack.test(said) || !predicate.test(said)) return null;
    return kept(said, text, cased);
  }
  const known = behind.exec(text)?.groups?.['text'];
  if (known === undefined || !predicate.test(known) || /\?/u.test(known)) return null;
  // "He told me to remember that", "I will always remember that": about remembering, not a fact before it.
  return /\b(?:to|will|can|can't|cannot|always|do|don't|didn't|could|would|should|not|never|i|you|we|they|he|she|must)$/u.test(
    known,
  )
    ? null
    : kept(known, text, cased);
}

function kept(said: string, text: string, cased: string): MemoryRequest | null {
  const from = text.lastIndexOf(said);
  const own = cased
    .slice(Math.max(0, from), from + said.length)
    .replace(/^["']+|["']+$/gu, '')
    .trim();
  return own.replace(/\s/gu, '').length < 4 ? null : { do: 'keep', text: own };
}

const lists =
  /^(?:what (?:do|can|did) (?:you|u) (?:all |still |currently )*(?:remember|have in (?:your )?memory|keep in (?:your )?memory|know)(?: (?:about|of) (?:me|us|myself))?(?: (?:so far|now|right now|from before))?|what(?:'s| is| do you have| have you(?: got)?) (?:stored )?in (?:your |my )?memory|what (?:facts|things) (?:do|have) you (?:remember|remembered|know)(?: about me)?|what have you (?:remembered|memori[sz]ed|learned about me)(?: (?:so far|about me))?|(?:list|show|tell|give|read)(?: me)? (?:all )?(?:the |your |my )?(?:memor(?:y|ies)|(?:remembered|stored|saved) (?:facts|things|memories)|facts (?:about me|you remember)|(?:things|what|everything|all) (?:that )?you (?:remember|know about me|have remembered)(?: about me)?)|(?:my|all|your|stored|saved) memories|memory list|list (?:of )?memories|do you remember anything(?: about me)?)\??$/u;
/** "What do you know" without "about me" is chat. */
const isOfMemory = /remember|memor|about me|about us|learned/u;

const list = ({ text }: MemoryClause): MemoryRequest | null =>
  lists.test(text) && isOfMemory.test(text) ? { do: 'list' } : null;

const forgets =
  /^(?:forget|unremember|stop remembering)(?: about)?(?: the (?:fact|memory|thing))?(?<that> that)? (?<which>.+)$/u;
const deletes =
  /^(?:delete|remove|erase|wipe|clear|drop|forget) (?:(?:the |that |this |your |my |all |all (?:the |your |my |of (?:your |my ))?)?(?<what>memor(?:y|ies)|remembered facts?|stored facts?)(?: (?:number|no\.?|#) ?(?<index>\d{1,4})| (?:about|of|that|on|with|where) (?<which>.+)| (?<index2>\d{1,4}))?|(?<which2>.+?) from (?:your |my |the )?memory)$/u;
const lastOne =
  /^(?:it|that|this|that one|this one|the last one|the last (?:fact|memory|thing)|what i just (?:told|said to) you(?: to remember)?)$/u;
const everything =
  /^(?:everything|all|all of it|all facts|all memories|everything you (?:remember|know)(?: about me)?|everything about me|everything i (?:told|have told) you(?: to remember)?|all (?:that )?you (?:remember|know)(?: about me)?|me|about me|what you (?:know|remember) about me)$/u;
/** Another thing than a fact is meant: the talk, or what shall be done. */
const foreign =
  /^(?:the )?(?:previous|last|above|earlier|prior|past)\b|^(?:all |your |the |any )*(?:previous |prior |earlier |above )*(?:instructions?|prompts?|rules?|conversation|chat|question|context|messages?)\b|^(?:to|it\b.|what (?:i|we) (?:just )?(?:said|asked)$|i (?:said|asked|mentioned) (?:anything|that))|^(?:it|that|this),|^how\b|^why\b/u;

function forget({ text, cased }: MemoryClause): MemoryRequest | null {
  const asked = text.replace(/[?\s]+$/u, '');
  const bare = /^(?:forget (?:it|that|this)|forget about (?:it|that|this))$/u.test(asked);
  if (bare) return { do: 'forget', which: { last: true } };
  const removed = deletes.exec(asked);
  const groups = removed?.groups ?? forgets.exec(asked)?.groups;
  if (groups === undefined) return null;
  const { index, index2, which, which2, what } = groups;
  const number =
    index ??
    index2 ??
    /^(?:number|no\.?|#|fact|memory)(?: number)? ?(\d{1,4})$/u.exec(which ?? '')?.[1];
  if (number !== undefined) return { do: 'forget', which: { index: Number(number) } };
  const words = which ?? which2;
  if (words === undefined) {
    const isAll =
      /^(?:\S+ )(?:all|your mem|my mem|the mem)|memories$/u.test(asked) && what === 'memories';
    return { do: 'forget', which: isAll ? { all: true } : {} };
  }
  if (everything.test(words)) return { do: 'forget', which: { all: true } };
  if (lastOne.test(words)) return { do: 'forget', which: { last: true } };
  if (foreign.test(words)) return null;
  const from = asked.lastIndexOf(words);
  const own = cased
    .slice(from, from + words.length)
    .replace(
      /^(?:what i (?:said|told you) about|anything about|everything about|all about)\s+/iu,
      '',
    )
    .replace(/^["']+|["']+$/gu, '')
    .trim();
  return own === '' ? null : { do: 'forget', which: { words: own } };
}
