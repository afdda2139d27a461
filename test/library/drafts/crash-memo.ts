/** The memo of the crash tests: its text must be kept byte for byte. */
export const crashMemo = '회의 메모\r\n- 예산 50만원  \n- 담당 김철수 👩‍👩‍👧\n';

/** Four sections of about 5,000 characters, in numbered lines. */
export const longCrashMemo = Array.from(
  { length: 700 },
  (_, n) => `${n}번째 줄: 이 줄은 네 부분으로 된 메모의 하나이다.\r\n`,
).join('');
