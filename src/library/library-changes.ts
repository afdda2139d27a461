/**
 * Collects one change of the library: what it reads becomes the basis of the change, what it writes becomes the command
 * for the store.
 *
 * 1. A decision about a document reads it here, so that the store can refuse a decision that is outdated.
 * 2. No text that is stored has U+0000.
 */
import type { Clock } from '#shared/clock';
import { removeNul } from '#shared/text/remove-nul';
import type { Document } from './document.ts';
import type { DocumentStorage, LibraryChange } from './document-port.ts';
import type {
  DocumentVersion,
  DraftRecord,
  DraftSection,
  NewDocumentEvent,
  VersionHead,
} from './drafts/draft-storage-port.ts';
import { tokensOf } from './fulltext/document-tokens.ts';

export interface Changes {
  /** A document of any owner, deleted or not. */
  find(id: string): Promise<Document | null>;
  /** The document that was imported from this path, deleted or not. */
  findFile(owner: string, path: string): Promise<Document | null>;
  findDraft(documentId: string): Promise<DraftRecord | null>;
  /** Newest first. */
  versions(documentId: string): Promise<VersionHead[]>;
  /** Returns the document as it will be stored. */
  add(document: Document): Promise<Document>;
  /** @param current as read here. Returns the document as it will be stored: id and owner stay, `updatedAt` grows. */
  replace(current: Document, next: Document): Promise<Document>;
  /** The index tokens of this document were made by an earlier version: makes them again, or confirms them. */
  reindex(document: Document, isSame: boolean): Promise<void>;
  saveDraft(record: DraftRecord): void;
  removeDraft(documentId: string): void;
  addVersion(version: DocumentVersion): void;
  setVersionStatus(head: VersionHead, status: VersionHead['status']): void;
  saveSection(section: DraftSection): void;
  saveSetting(name: string, value: string): void;
  append(event: NewDocumentEvent): void;
}

/**
 * Commits the changes that `decide` collects in one transaction, and publishes their events. `decide` runs again when
 * something that it read with `changes` was changed before the commit: it must have no other effects. If it throws,
 * nothing is written.
 * @param key changes with the same key are decided one after another, in order of arrival: the id of the document.
 *   Calls with one key must not be nested. Null: no order.
 * @throws GH_STORE_UNAVAILABLE, GH_STORE_CONFLICT when nothing was written
 */
export type CommitChanges = <Value>(
  key: string | null,
  decide: (changes: Changes) => Promise<Value>,
) => Promise<Value>;

export interface ChangesParts {
  storage: DocumentStorage;
  clock: Clock;
  /** Tokens of long texts, kept when a change is decided again. */
  tokens: Map<string, string>;
}

export function collectChanges(parts: ChangesParts): Changes & { change: LibraryChange } {
  const { clock, tokens } = parts;
  const change: LibraryChange = {
    basis: { documents: new Map(), drafts: new Map(), files: [] },
    versions: [],
    versionStatuses: [],
    added: [],
    replaced: [],
    reindexed: [],
    drafts: [],
    sections: [],
    settings: [],
    events: [],
  };
  return {
    change,
    ...basisReads(parts, change),
    async add(added) {
      const document = removeNul(added);
      change.added.push({ document, tokens: await tokensOf(document, tokens) });
      return document;
    },
    async replace(current, next) {
      // Later than the last change, even within one millisecond: a comparison must show that it changed.
      const updatedAt = Math.max(clock.now(), current.updatedAt + 1);
      const { id, owner } = current;
      const document = { ...removeNul(next), id, owner, updatedAt };
      // Tokenizing a long text takes a second, and most changes only set a marker.
      const isSame = hasSameContent(current, document);
      change.replaced.push({
        document,
        tokens: isSame ? undefined : await tokensOf(document, tokens),
      });
      return document;
    },
    async reindex(document, isSame) {
      change.reindexed.push({
        id: document.id,
        tokens: isSame ? undefined : await tokensOf(document, tokens),
      });
    },
    saveDraft: (record) =>
      void change.drafts.push({ documentId: record.documentId, record: removeNul(record) }),
    removeDraft: (documentId) => void change.drafts.push({ documentId, record: null }),
    addVersion: (version) => void change.versions.push(removeNul(version)),
    setVersionStatus: ({ documentId, version }, status) =>
      void change.versionStatuses.push({ documentId, version, status }),
    saveSection: (section) => void change.sections.push(removeNul(section)),
    saveSetting: (name, value) => void change.settings.push({ name, value }),
    append: (event) => void change.events.push(removeNul(event)),
  };
}

/** Reads whose results become the basis of the change. The first result counts: a later one shows another state. */
function basisReads(
  { storage }: ChangesParts,
  { basis }: LibraryChange,
): Pick<Changes, 'find' | 'findFile' | 'findDraft' | 'versions'> {
  const note = (id: string, document: Document | null): void => {
    if (!basis.documents.has(id)) basis.documents.set(id, document?.updatedAt ?? null);
  };
  const find = async (id: string): Promise<Document | null> => {
    const document = await storage.find(id);
    note(id, document);
    return document;
  };
  return {
    find,
    async findFile(owner, path) {
      const document = await storage.findFile(owner, path);
      basis.files.push({ owner, path, id: document?.id ?? null });
      if (document !== null) note(document.id, document);
      return document;
    },
    async findDraft(documentId) {
      const record = await storage.drafts.find(documentId);
      if (!basis.drafts.has(documentId)) basis.drafts.set(documentId, record);
      return record;
    },
    async versions(documentId) {
      // Versions change only together with their document, so its state covers them if it was read before.
      if (!basis.documents.has(documentId)) await find(documentId);
      return storage.drafts.versions(documentId);
    },
  };
}

export const isEmptyChange = (change: LibraryChange): boolean =>
  Object.values({ ...change, basis: [] }).every((list: readonly unknown[]) => list.length === 0);

/** Whether the index tokens stay the same. */
const hasSameContent = (one: Document, other: Document): boolean =>
  one.title === other.title &&
  one.extractedText === other.extractedText &&
  one.mdContent === other.mdContent &&
  one.deletedAt === other.deletedAt;
