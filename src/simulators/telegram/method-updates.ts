/** `getUpdates`, and the webhook that excludes it. The simulator sends nothing to a webhook. */
import { ApiError, badRequest } from './api-error.ts';
import type { MethodCall, MethodResult } from './method-call.ts';

export async function getUpdates(call: MethodCall): Promise<MethodResult> {
  const { telegram, params, repeats, signal } = call;
  const { access, updates } = telegram;
  if (access.webhookUrl !== '') {
    throw new ApiError(
      409,
      "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    );
  }
  const result = await updates.poll({
    offset: params.integer('offset', 0),
    limit: params.integer('limit', 100, 1, 100),
    timeoutMs: params.integer('timeout', 0, 0, 50) * 1_000,
    allowedUpdates: allowedOf(params.text('allowed_updates')),
    repeats,
    signal,
  });
  return { result };
}

/** Null: absent, or nothing that the server can read, which it ignores. */
function allowedOf(json: string): string[] | null {
  if (json === '') return null;
  try {
    const given: unknown = JSON.parse(json);
    if (!Array.isArray(given) || given.some((one) => typeof one !== 'string')) return null;
    return (given as string[]).map((one) => one.toLowerCase());
  } catch {
    return null;
  }
}

export function setWebhook({ telegram, params }: MethodCall): MethodResult {
  const { access, updates, feed } = telegram;
  const url = params.text('url');
  if (url !== '' && !/^https:\/\/[^/\s]/i.test(url)) {
    throw badRequest('bad webhook: An HTTPS URL must be provided for webhook');
  }
  updates.allow(allowedOf(params.text('allowed_updates')));
  if (params.flag('drop_pending_updates')) updates.dropPending();
  const isSame = access.webhookUrl === url;
  access.webhookUrl = url;
  if (url !== '') updates.endPoll('Conflict: terminated by setWebhook request');
  feed.emit({ type: 'state' });
  const done = url === '' ? 'deleted' : 'set';
  return {
    result: true,
    description: isSame ? `Webhook is already ${done}` : `Webhook was ${done}`,
  };
}

export const deleteWebhook = (call: MethodCall): MethodResult =>
  setWebhook({
    ...call,
    params: {
      ...call.params,
      text: (name) => (name === 'url' ? '' : call.params.text(name)),
    },
  });

export function webhookInfo({ telegram: { access, updates } }: MethodCall): MethodResult {
  const allowed = updates.allowedUpdates;
  return {
    result: {
      url: access.webhookUrl,
      has_custom_certificate: false,
      pending_update_count: updates.pending,
      ...(allowed.length === 0 ? {} : { allowed_updates: allowed }),
    },
  };
}
