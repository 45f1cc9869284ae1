/**
 * Documents that a request names by an id instead of sending their text. Two kinds:
 *
 * 1. **Automatic**: a client sends a text with its SHA-256 once, and the hash alone from then on. The hashes live in
 *    the process, within a bound; a client whose hash is not known sends the text again.
 * 2. **Trusted**: the documents of manifests, in the format of Apollo's persisted-query manifests. No other operation
 *    is served, by id or by text, over HTTP or a WebSocket. A text is compared without blanks and comments, because
 *    clients print documents in different ways.
 */
import { GraphQLError, stripIgnoredCharacters } from 'graphql';
import { LRUCache } from 'lru-cache';
import { isRecord } from './is-record.js';

export interface PersistedDocuments {
  textOf(id: string): string | undefined;
  /** Whether an operation with this text is served. */
  allows(text: string): boolean;
  /** Remembers a text that a client has sent with its id. */
  remember(id: string, text: string): void;
}

const CHARS_MAX = 4 * 1_048_576;
const TEXT_CHARS_MAX = 10_000;

export class AutomaticDocuments implements PersistedDocuments {
  private readonly texts = new LRUCache<string, string>({
    maxSize: CHARS_MAX,
    sizeCalculation: (text) => text.length + 1,
  });

  textOf(id: string): string | undefined {
    return this.texts.get(id);
  }

  allows(): boolean {
    return true;
  }

  remember(id: string, text: string): void {
    if (text.length <= TEXT_CHARS_MAX) this.texts.set(id, text);
  }
}

export interface TrustedOperation {
  readonly id: string;
  readonly body: string;
}

/** Other texts of trusted operations that are recognized without being compared again. */
const WAYS_TO_PRINT_MAX = 1_000;

export class TrustedDocuments implements PersistedDocuments {
  private readonly byId: ReadonlyMap<string, string>;
  private readonly bare: ReadonlySet<string>;
  private readonly seen = new LRUCache<string, true>({ max: WAYS_TO_PRINT_MAX });

  constructor(operations: readonly TrustedOperation[]) {
    this.byId = new Map(operations.map(({ id, body }) => [id, body]));
    this.bare = new Set(operations.map(({ body }) => stripIgnoredCharacters(body)));
    for (const { body } of operations) this.seen.set(body, true);
  }

  textOf(id: string): string | undefined {
    return this.byId.get(id);
  }

  allows(text: string): boolean {
    if (this.seen.has(text)) return true;
    const bare = bareTextOf(text);
    if (bare === null || !this.bare.has(bare)) return false;
    this.seen.set(text, true);
    return true;
  }

  /** The manifest alone decides. */
  remember(): void {
    return undefined;
  }
}

/** Null where it is no document. */
function bareTextOf(text: string): string | null {
  try {
    return stripIgnoredCharacters(text);
  } catch {
    return null;
  }
}

export class ManifestError extends Error {
  readonly code = 'MANIFEST' as const;
  constructor(what: string) {
    super(`The manifest of TRUSTED_DOCUMENTS ${what}.`);
    this.name = 'ManifestError';
  }
}

const FORMAT = 'apollo-persisted-query-manifest';

/** @param text of the manifest. @throws ManifestError */
export function readManifest(text: string): TrustedOperation[] {
  const manifest = jsonOf(text);
  if (!isRecord(manifest) || manifest.format !== FORMAT || manifest.version !== 1) {
    throw new ManifestError(`must have the format "${FORMAT}" and the version 1`);
  }
  const { operations } = manifest;
  if (!Array.isArray(operations)) throw new ManifestError('must have a list of operations');
  return operations.map((operation: unknown, place) => {
    const { id, body } = isRecord(operation) ? operation : {};
    const isText = typeof id === 'string' && typeof body === 'string';
    if (!isText || bareTextOf(body) === null) {
      throw new ManifestError(
        `must have an id and a body for each operation; number ${place} has not`,
      );
    }
    return { id, body };
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ManifestError('must be JSON');
  }
}

/** The refusal of an operation that the manifest does not have. */
export function notTrusted(): GraphQLError {
  return new GraphQLError('Only the operations of a manifest are served; this is none of them.', {
    extensions: { code: 'QUERY_NOT_IN_SAFELIST', http: { status: 400 } },
  });
}

/**
 * A POST's body with the text of the document that it names by `extensions.persistedQuery`. The same body where it has
 * a text, or names no document that is known.
 */
export function withText(body: unknown, documents: PersistedDocuments): unknown {
  if (!isRecord(body) || (body.query ?? null) !== null) return body;
  const { extensions, ...rest } = body;
  const id = persistedIdIn(extensions);
  const text = typeof id === 'string' ? documents.textOf(id) : undefined;
  return text === undefined ? body : { ...rest, query: text };
}

function persistedIdIn(extensions: unknown): unknown {
  const persisted = isRecord(extensions) ? extensions.persistedQuery : null;
  return isRecord(persisted) && persisted.version === 1 ? persisted.sha256Hash : null;
}
