/** Query strings for requests about memos, documents and drafts. */

/** Default: the user of the key, else `local`. */
export const ofUser = (userId: string | undefined): Record<string, string> =>
  userId === undefined ? {} : { user_id: userId };

export const listQueryOf = ({
  limit,
  user,
}: {
  limit?: string | undefined;
  user?: string | undefined;
}): string =>
  new URLSearchParams({
    ...ofUser(user),
    ...(limit === undefined ? {} : { limit }),
  }).toString();
