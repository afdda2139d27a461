/** What the inspector's own requests cost: they count for the rate limit of the viewer. */
import { GatehouseError } from '#shared/errors';
import type { InspectorOptions } from './inspector-context.ts';

/** Charges one request to the user; false where the limit of the minute is used up. Null: the operator, not limited. */
export function tryCharge(
  { limits }: Pick<InspectorOptions, 'limits'>,
  user: string | null,
): boolean {
  try {
    if (user !== null) limits?.chargeUser(user, 1);
    return true;
  } catch (error) {
    if (error instanceof GatehouseError) return false;
    throw error;
  }
}
