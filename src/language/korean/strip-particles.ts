/** Turns words into search words: removes one particle, never a syllable of the word itself (을지로, 가을, 회의, 확인서). */

/** Nouns that end in 의: 회의의 is 회의 with a particle, but 회의 is not 회 with a particle. */
const nounsInUi =
  /(?:회의|강의|논의|합의|정의|결의|문의|건의|협의|토의|심의|동의|주의|유의|편의|명의|예의|호의|상의|하의|창의|질의|발의|제의|항의|임의|고의|거의|열의|성의|본의|악의|선의|모의|탈의)$/;

/** Words that connect a search word to the object of the search: 안전 관련 문서, 견적이 들어간 메일. */
export const relationWord =
  /^(?:관련|관련된|관한|대한|대해|대해서|들어간|들어있는|포함된|포함한|담긴|적힌|라는|이라는|있는)$/;

/** Organisations and events with a name in 회: here 회의 is 회 with the particle 의 (협회의 정관). */
const organizationNouns =
  /(?:협회|사회|교회|국회|의회|학회|총회|대회|위원회|이사회|평의회|동호회|전시회|연합회|동창회|부녀회|학생회|발표회|음악회|박람회|연구회|자치회|노회|당회|상공회|간담회|설명회|강연회|공청회|세미나회)의$/;

/** Whether the last syllable ends in a consonant: 을 and 이랑 follow only such syllables, 를 and 랑 only others. */
export function endsInConsonant(word: string): boolean {
  const code = word.charCodeAt(word.length - 1) - 0xac00;
  return code >= 0 && code < 11172 && code % 28 !== 0;
}

const isHangul = (word: string): boolean => /^[가-힣]+$/.test(word);

/** Particle, and whether it needs a consonant (true) or a vowel (false) before it; null: either. */
const objectParticles: readonly (readonly [string, boolean | null])[] = [
  ['이라는', true],
  ['라는', false],
  ['이랑', true],
  ['에서', null],
  ['을', true],
  ['를', false],
  ['와', false],
  ['랑', false],
];

/** Before 관련, 대한, 들어간 these are always particles, too. */
const relationParticles: readonly (readonly [string, boolean | null])[] = [
  ...objectParticles,
  ['에', null],
  ['이', true],
  ['가', false],
  ['과', true],
];

/** The word without its particle. `related`: a word such as 관련, 대한, 들어간 follows. */
export function stripParticle(word: string, related = false): string {
  if (!isHangul(word)) return word;
  if (
    word.endsWith('의') &&
    word.length >= 3 &&
    (!nounsInUi.test(word) || organizationNouns.test(word))
  ) {
    return word.slice(0, -1);
  }
  for (const [particle, consonant] of related ? relationParticles : objectParticles) {
    const stem = word.slice(0, -particle.length);
    if (!word.endsWith(particle) || stem.length < 2) continue;
    if (consonant === null || endsInConsonant(stem) === consonant) return stem;
  }
  return word;
}

const subjectParticle = /(?:께서|이|가)$/;
const sourceParticle =
  /(?:님)?(?:한테서|에게서|에게|한테|에서|으로부터|로부터|께서|께|측에서|이|가)$/;

/** 김과장이, 박대리님한테서, 삼성에서: the sender, without particle and 님. Null if there is no particle. */
export function stripSenderParticle(word: string): string | null {
  const particle = sourceParticle.exec(word)?.[0];
  if (particle === undefined) return null;
  let stem = word.slice(0, -particle.length);
  if (subjectParticle.test(particle) && particle.length === 1) {
    // 이 after a vowel is part of a name (민이), and so is 가 after a consonant.
    if (isHangul(stem) && endsInConsonant(stem) !== (particle === '이')) return null;
  }
  stem = stem.replace(/님$/, '');
  return stem.length >= 1 ? stem : null;
}
