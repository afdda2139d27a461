import { demoQuery } from '../search-demo.ts';
import type { ToolDeclaration } from '../tool-declaration.ts';
import { emailLabel, emailOperations, usualDays } from './email-operations.ts';

export const email: ToolDeclaration = {
  name: 'email',
  label: emailLabel,
  aliases: ['mail', 'gmail'],
  operations: emailOperations,
  configuration: {
    isSet: ({ email: { provider } }) => provider !== 'none',
    missing: {
      ko: '메일 계정이 설정되어 있지 않아 메일을 확인할 수 없으니, 설정 파일의 tools.email에 계정을 적어주세요.',
      en: 'No mail account is configured, so mail cannot be checked: add one to tools.email in the configuration file.',
    },
  },
  checkName: 'mail',

  demo: (message, { isDeep }) =>
    /메일|이메일|\be-?mails?\b/i.test(message) && !isDeep
      ? { operation: 'search', params: { query: demoQuery(message), days: usualDays } }
      : null,

  open: async (parts) => (await import('./email-tool.ts')).openEmail(parts),
  check: async (settings) => (await import('./email-check.ts')).checkEmail(settings.email),
};
