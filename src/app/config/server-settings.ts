/** The key `server`: the addresses of HTTP, its keys and its limits. */
import { z } from 'zod';
import { count, nonEmptyString, optionalSection, port, secret } from '#shared/config-fields';
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
  limits: optionalSection({
    requestsPerMinute: count(1_200, 0).describe(
      'Requests per minute of a user, or of an address without a key.',
    ),
    wrongKeysPerMinute: count(20, 0).describe('Wrong keys per minute from one address.'),
    openRequests: count(64, 0).describe('Open requests and streams of a user.'),
    connections: count(2_048, 0).describe(
      'Open connections in total; at most half of them from one address.',
    ),
  }).describe("0: no limit. The operator's keys are not counted."),
});
