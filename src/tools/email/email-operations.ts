/** The operation of the mail tool: parameters, texts for models, and how dates and folders in them are resolved. */
import { z } from 'zod';
import type { Resolver } from '#language/classification/operation-port';
import { resolvePeriod, asString } from '#language/rules/resolution-context';
import { resolveFolder } from '#language/rules/custom-vocabulary';
import {
  daysParam,
  firstDayParam,
  lastDayParam,
  param,
  queryParam,
  textParam,
} from '../param-schemas.ts';

export const emailLabel = { ko: '메일', en: 'mail' };

/** Days that are searched if nothing else narrows the search. */
export const usualDays = 7;

const searchParams = z.object({
  query: queryParam('words in subject, sender or text').optional(),
  from: param(textParam.optional(), 'sender', '보낸 사람', 'sender'),
  days: param(daysParam.optional(), 'how many days back, 1 is today', '기간(일)', 'number of days'),
  date_from: firstDayParam,
  date_to: lastDayParam,
  folder: param(
    textParam.optional(),
    'folder or account, as the user calls it',
    '편지함',
    'folder',
  ),
});
/** `unread`: only unread messages. */
export type MailSearchParams = z.output<typeof searchParams> & { unread?: boolean };

const resolveMail: Resolver = (params, context) => {
  const { date_from: from, date_to: to, folder, ...rest } = params;
  const written = asString(from) !== '' || asString(to) !== '';
  const period = written ? resolvePeriod(params, context, 'past') : null;
  if (period?.ok === false) return period;
  const named = asString(folder);
  const known = resolveFolder(
    [named.toLowerCase(), ...named.toLowerCase().split(/[\s/]+/)],
    context.mailFolders,
  );
  const resolved: Record<string, unknown> = { ...rest, ...period?.params };
  if (Object.keys(resolved).length === 0) resolved['days'] = usualDays;
  if (named !== '') resolved['folder'] = known ?? named;
  return { ok: true, params: resolved };
};

export const emailOperations = {
  search: {
    effect: 'reads',
    description: `searches mail, by default of the last ${usualDays} days`,
    schema: searchParams,
    classifier: {
      summary: '메일 검색',
      examples: [{ message: '세금 계산서 메일 온 거 찾아봐', params: { query: '세금 계산서' } }],
      resolve: resolveMail,
    },
  },
  /** For the digest of a schedule: no model requests it. */
  unread: {
    effect: 'reads',
    description: `lists unread mail, by default of the last ${usualDays} days`,
    schema: z.object({ days: daysParam.optional() }),
  },
} as const;
