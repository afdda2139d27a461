/** The key `server`: the addresses of HTTP, its keys and its limits. */
import { z } from 'zod';
import {
  count,
  nonEmptyString,
  optionalSection,
  port,
  secret,
  urlWithoutCredentials,
} from '#shared/config-fields';
import { isNetwork } from '#http/server/site';
import { findInvalidApiKey } from './api-key-check.ts';

const userApiKey = z.strictObject({
  key: secret.describe('The key.'),
  user: z.string().min(1).max(256).describe('User of the key.'),
});

export const serverSchema = optionalSection({
  host: nonEmptyString
    .default('127.0.0.1')
    .describe('Address on which HTTP listens; an address other than loopback requires a key.'),
  port: port(8100).describe('Port of HTTP; 0: any free port.'),
  ollamaPort: port(11_434)
    .nullable()
    .default(null)
    .describe('Second port with the same routes, for clients of Ollama (11434); null: none.'),
  apiKeys: z
    .array(z.union([secret, userApiKey]))
    .superRefine((keys, context) => {
      const problem = findInvalidApiKey(keys);
      if (problem !== null) context.addIssue({ code: 'custom', ...problem });
    })
    .default([])
    .describe(
      'Empty: loopback only. A key with a user can read and change only data of that user.',
    ),
  publicUrl: urlWithoutCredentials(z.url({ protocol: /^https?$/ }))
    .refine((url) => !/[?#]/.test(url), 'must have no ? and no #')
    .nullable()
    .default(null)
    .describe(
      'Address of the pages in browsers, such as https://home.example/gatehouse behind a proxy; null: host and port.',
    ),
  trustedProxies: z
    .array(z.string().refine(isNetwork, 'must be an address, or a network such as 172.16.0.0/12'))
    .default([])
    .describe(
      'Proxies whose X-Forwarded headers are read: the address of the client for the limits, https, host and path.',
    ),
  sessionIdleDays: count(90).describe('A browser that was not used for so long is signed out.'),
  limits: optionalSection({
    requestsPerMinute: count(1_200, 0).describe(
      'Requests per minute of a user, or of an address without a key.',
    ),
    wrongKeysPerMinute: count(20, 0).describe('Wrong keys per minute from one address.'),
    wrongCodesPerMinute: count(5, 0).describe(
      'Wrong invite codes per minute from one address; four times as many from all.',
    ),
    openRequests: count(64, 0).describe('Open requests and streams of a user.'),
    connections: count(2_048, 0).describe(
      'Open connections in total; at most half of them from one address.',
    ),
  }).describe("0: no limit. The operator's keys are not counted."),
});
