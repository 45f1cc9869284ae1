/**
 * Verifies API keys. At most one query runs at a time, however many requests need one: keys that arrive meanwhile share
 * the next query. A flood of unknown keys takes one database connection.
 *
 * Where an address has failed too often, a valid key must still be told from a guess, and guesses must cost no queries.
 * So the keys are then listed, at most once a second, and a key without an entry in the list is not looked up.
 */
import DataLoader from 'dataloader';
import { REFUSAL, isSecretOf, splitKey, type ApiKey } from './api-key.js';
import type { ApiKeyReader } from './api-key-store.js';
import type { CredentialVerifier, Verified } from './credential.js';
import { AuthenticationUnavailableError, UnauthenticatedError } from './principal.js';

const PREFIXES_IN_QUERY_MAX = 100;
/** Prefixes that may wait for a query; more are refused at once. */
const WAITING_MAX = 1_000;
const LISTED_MAX = 10_000;
const LIST_AGE_MAX_MS = 1_000;

interface KeyList {
  readonly untilMs: number;
  readonly byPrefix: Promise<ReadonlyMap<string, ApiKey>>;
}

export class ApiKeyVerifier implements CredentialVerifier {
  /** Lookups by prefix that wait for their query, so that requests with the same key share one. */
  private readonly waiting = new Map<string, Promise<ApiKey | null>>();
  private readonly lookups: DataLoader<string, ApiKey | null>;
  /** Resolves when all queries that were started have ended. */
  private queries: Promise<unknown> = Promise.resolve();
  private list: KeyList | null = null;

  constructor(
    private readonly store: ApiKeyReader,
    private readonly nowMs: () => number = Date.now,
  ) {
    this.lookups = new DataLoader((prefixes) => this.queryNext(prefixes), {
      maxBatchSize: PREFIXES_IN_QUERY_MAX,
      cacheMap: this.waiting,
      batchScheduleFn: (dispatch) => void this.queries.then(dispatch),
    });
  }

  async verify(credential: string): Promise<Verified> {
    const { prefix, secret } = splitKey(credential);
    const key = await this.find(prefix);
    const expiresAtMs = key?.expiresAt?.getTime() ?? null;
    const expired = expiresAtMs !== null && expiresAtMs <= this.nowMs();
    if (!key || !isSecretOf(key, secret) || key.revokedAt || expired) {
      throw new UnauthenticatedError(REFUSAL);
    }
    return { principal: { name: key.name, scopes: key.scopes }, expiresAtMs };
  }

  async mayBeValid(credential: string): Promise<boolean> {
    const { prefix, secret } = splitKey(credential);
    const nowMs = this.nowMs();
    if (!this.list || nowMs >= this.list.untilMs) {
      this.list = { untilMs: nowMs + LIST_AGE_MAX_MS, byPrefix: this.listKeys() };
    }
    const key = (await this.list.byPrefix).get(prefix);
    return key !== undefined && isSecretOf(key, secret);
  }

  private async listKeys(): Promise<ReadonlyMap<string, ApiKey>> {
    const keys = await this.store.findUnrevoked(LISTED_MAX);
    return new Map(keys.map((key) => [key.prefix, key]));
  }

  private find(prefix: string): Promise<ApiKey | null> {
    if (this.waiting.size >= WAITING_MAX && !this.waiting.has(prefix)) {
      throw new AuthenticationUnavailableError(
        `At most ${WAITING_MAX} API keys may wait for verification; got one more. Try again.`,
      );
    }
    return this.lookups.load(prefix);
  }

  /** Several full batches are dispatched at once: each waits for the one before it. */
  private queryNext(prefixes: readonly string[]): Promise<(ApiKey | null | Error)[]> {
    const found = this.queries.then(() => this.query(prefixes));
    this.queries = found;
    return found;
  }

  /** Resolves also where the query fails, with the error for each prefix. */
  private async query(prefixes: readonly string[]): Promise<(ApiKey | null | Error)[]> {
    // A request that comes from now on must not get an answer from before it.
    for (const prefix of prefixes) this.waiting.delete(prefix);
    try {
      const keys = await this.store.findByPrefixes(prefixes);
      const byPrefix = new Map(keys.map((key) => [key.prefix, key]));
      return prefixes.map((prefix) => byPrefix.get(prefix) ?? null);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      return prefixes.map(() => failure);
    }
  }
}
