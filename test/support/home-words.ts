/** An example of a custom vocabulary, as the case files of the rules use it. */
import type { CustomVocabulary } from '#language/rules/custom-vocabulary';

export const exampleHome: CustomVocabulary = {
  mailFolders: [
    { folder: 'Work', words: ['회사', '한빛', '네이버웍스', 'company', 'work', 'office'] },
    { folder: 'Gmail', words: ['gmail', '지메일', '구글', 'google'] },
  ],
  machines: [
    'gemma',
    '젬마',
    'qwen',
    '큐웬',
    'exaone',
    '엑사원',
    'mac mini',
    'macbook',
    '맥미니',
    '맥북',
  ],
};
