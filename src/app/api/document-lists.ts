/** Documents, memos and versions as lists: bounded in rows and bytes, read in slices (lib/listing.ts). */
import type { DocumentVersion } from '#library/drafts/draft-storage-port';
import type { ListedDocument } from '#library/document-port';
import type { DraftReview } from '#library/drafts/draft-review';
import type { VersionQuery } from '#http/routes/review-routes';
import type { FairSlices } from '#shared/fair-slices';
import type { VersionView } from '#shared/wire/document-views';
import { GatehouseError } from '#shared/errors';
import { previewCharsMax, previewOf, createListing, type Listing } from '#shared/listing';

/** Newest first, in the order of `read`: documents with an id lower than `before`. */
export const documentListing = <View extends object>(
  slices: FairSlices,
  userId: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
  read: (page: { limit: number; before?: string | undefined }) => Promise<ListedDocument[]>,
  view: (document: ListedDocument) => View,
): Listing<View> =>
  createListing<View>({
    who: userId,
    slices,
    limit,
    cursor,
    async read(from, count) {
      const documents = await read({ limit: count, before: from ?? undefined });
      return {
        rows: documents.map((one) => ({ row: view(one), cursor: one.id })),
        next: documents.length < count ? null : documents.at(-1)!.id,
      };
    },
    // Its texts are already shortened, and the metadata of a file are bounded elsewhere.
    cut: (row) => row,
  });

/** Newest first. @throws GH_DOCUMENT_NOT_FOUND */
export async function versionListing(
  slices: FairSlices,
  review: Pick<DraftReview, 'versions'>,
  userId: string,
  id: string,
  { limit, cursor, texts }: VersionQuery,
): Promise<Listing<VersionView>> {
  const readVersions = await review.versions(userId, id);
  if (readVersions === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
  return createListing<VersionView>({
    who: userId,
    slices,
    limit,
    cursor,
    async read(from, count) {
      const charsMax = texts ? Number.MAX_SAFE_INTEGER : previewCharsMax + 1;
      const before = from === null ? null : Number(from);
      const versions = await readVersions({ before, limit: count, charsMax });
      return {
        rows: versions.map((one) => ({
          row: texts ? versionView(one) : cutVersion(versionView(one)),
          cursor: String(one.version),
        })),
        next: versions.length < count ? null : String(versions.at(-1)!.version),
      };
    },
    cut: cutVersion,
  });
}

export const versionView = (one: DocumentVersion): VersionView => ({
  version: one.version,
  made_by: one.madeBy,
  status: one.status,
  at: new Date(one.at).toISOString(),
  md_content: one.mdContent,
});

function cutVersion(row: VersionView): VersionView {
  const { text, isCut } = previewOf(row.md_content);
  return isCut ? { ...row, md_content: text, md_content_cut: true } : row;
}
