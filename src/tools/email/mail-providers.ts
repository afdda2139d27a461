/** Common names of the large mail providers, by the domains of their servers. */
interface MailProvider {
  /** Name of the provider in the rules and the mail tool. */
  name: string;
  domains: readonly string[];
  words: readonly string[];
}

const providers: readonly MailProvider[] = [
  {
    name: 'Gmail',
    domains: ['gmail.com', 'googlemail.com'],
    words: ['gmail', '지메일', '구글', 'google'],
  },
  {
    name: 'Naver Works',
    domains: ['worksmobile.com'],
    words: ['naver works', '네이버웍스', '네이버 웍스'],
  },
  { name: 'Naver', domains: ['naver.com'], words: ['naver', '네이버'] },
  {
    name: 'Daum',
    domains: ['daum.net', 'hanmail.net'],
    words: ['daum', 'hanmail', '다음메일', '한메일'],
  },
  { name: 'Kakao', domains: ['kakao.com'], words: ['kakao', '카카오'] },
  { name: 'Nate', domains: ['nate.com'], words: ['nate', '네이트'] },
  {
    name: 'Outlook',
    domains: ['outlook.com', 'office365.com', 'hotmail.com', 'live.com'],
    words: ['outlook', 'hotmail', '아웃룩', '핫메일'],
  },
  { name: 'Yahoo', domains: ['yahoo.com'], words: ['yahoo', '야후'] },
  {
    name: 'iCloud',
    domains: ['mail.me.com', 'icloud.com', 'me.com'],
    words: ['icloud', '아이클라우드'],
  },
  { name: 'Fastmail', domains: ['fastmail.com'], words: ['fastmail'] },
  { name: 'GMX', domains: ['gmx.net', 'gmx.com', 'gmx.de'], words: ['gmx'] },
];

const isIn = (host: string, domain: string): boolean =>
  host === domain || host.endsWith(`.${domain}`);

/** The provider of an account, by its host, then by the domain of its user name; undefined for any other server. */
export function providerOf(account: { host: string; username: string }): MailProvider | undefined {
  const hosts = [account.host, account.username.split('@')[1] ?? ''].map((host) =>
    host.toLowerCase(),
  );
  for (const host of hosts) {
    const found = providers.find(({ domains }) => domains.some((domain) => isIn(host, domain)));
    if (found !== undefined) return found;
  }
  return undefined;
}
