/**
 * Labels of links that a model, a mail or a document has written: a chat that shows the label in place of the address
 * must not let it deceive.
 */

/** The label without escapes, markup and control characters; may be ''. */
export const plainLabel = (rawLabel: string): string =>
  rawLabel.replaceAll(/\\(.)/g, '$1').replaceAll(/[<>|]/g, ' ').replaceAll(bidiControls, '').trim();

/**
 * Whether the label may stand in place of the address: it names no other address, does not look like an answer to a draft,
 * and the address has no credentials before its host.
 */
export const hidesNothing = (label: string, url: string): boolean =>
  !isDeceptiveLabel(label, url) && !looksLikeButton(label) && !hasCredentials(url);

/** Bidi control characters: they reverse the text after them, so that a label could be read backwards. */
const bidiControls = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The label as a reader sees it: normalized width, without marks and invisible characters. */
const visibleText = (label: string): string =>
  label.normalize('NFKC').replaceAll(/\p{Cf}|\p{Mn}|\p{Default_Ignorable_Code_Point}/gu, '');

/** First words of buttons and of answers to a draft. A false positive costs a link: its address is shown instead. */
const buttonWords =
  /^(?:네|넵|넹|예|응|확인|취소|승인|거절|거부|동의|수락|허용|등록|저장|진행|계속|완료|삭제|아니|그래|좋아|오케이|맞아|맞습|yes|yep|yeah|no|nope|ok|okay|sure|confirm|cancel|approve|reject|accept|agree|decline|allow|deny|continue|proceed|submit|save|delete|done|goahead)/;
const buttonLettersMax = 16;

/** Whether a user may take it for the button of a draft: such a word, or no letters at all (an emoji, a symbol). */
function looksLikeButton(label: string): boolean {
  const letters = visibleText(label)
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
  return letters === '' || (letters.length <= buttonLettersMax && buttonWords.test(letters));
}

/** `https://bank.example@evil.example/`: the part read first is not the host. */
function hasCredentials(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

/**
 * `scheme://host`, `name.tld` and IPv4 addresses, anywhere in a label. Matches start at the beginning of a word only:
 * tried at every letter, a label with many dots would take seconds.
 */
const addressInText =
  /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:\/\/(?:[^\s/?#@]*@)?([^\s/?#:]+)|(?<![\p{L}\p{N}.-])\.*((?:[\p{L}\p{N}-]+\.+)+\p{L}{2,}|\d{1,3}(?:\.\d{1,3}){3})/giu;

/** Whether the label names another host than the link's. */
function isDeceptiveLabel(label: string, url: string): boolean {
  // Reads the label as a browser or a person would.
  const read = visibleText(label)
    .replaceAll(
      /%2e|&period;|&#0*46;|&#x0*2e;|[。·‧•∙⋅・ꓸ۔]|\s*[([{]\s*(?:\.|dot|점)\s*[)\]}]\s*/gi,
      '.',
    )
    .replaceAll(/\s+\.\s*/g, '.')
    .replaceAll(/%2f/gi, '/');
  const host = hostOf(url);
  return [...read.matchAll(addressInText)].some(
    ([, whole, name]) => host === null || hostOf(`http://${whole ?? name}`) !== host,
  );
}

const hostOf = (url: string): string | null =>
  URL.canParse(url) ? new URL(url).hostname.replace(/^www\./, '') : null;
