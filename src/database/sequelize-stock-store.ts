/**
 * StockStore on MySQL: one transaction for the list of lines, whatever their number.
 *
 * Claim the operations' rows, read the levels, decide in memory, change the levels only if they are still as they were
 * read, write the ledger and the answers, COMMIT. The first attempt reads plainly and lets the conditional UPDATE find
 * out whether somebody was faster; from the second on rows are locked before they are read, so nobody can be. Locks are
 * taken in one order: operation keys, then levels, each ascending byte by byte.
 */
import type { Sequelize } from 'sequelize';
import {
  comparePlaces,
  decide,
  isValidQuantity,
  levelKey,
  movementId,
  type DecidedVerdict,
  type LevelLookup,
  type Plan,
  type PlannedLevelChange,
  type StockFailure,
  type StockLevelState,
  type StockLine,
  type StockWrite,
  type Verdict,
} from '../inventory/stock.js';
import type { ApplyOptions, StockStore, WriteResult } from '../inventory/stock-store.js';
import { LevelMemory } from './level-memory.js';
import {
  StockStatements,
  operationKeyOf,
  type KeyedOperation,
  type OperationLineRow,
} from './stock-statements.js';
import { runTransaction, type Attempt } from './transactions.js';

export class SequelizeStockStore implements StockStore {
  private readonly memory = new LevelMemory();

  constructor(private readonly sequelize: Sequelize) {}

  async apply(
    writes: readonly StockWrite[],
    options: ApplyOptions,
  ): Promise<readonly WriteResult[]> {
    const outcome = await this.applyOnce(writes, options).catch(async (error: unknown) => {
      if (!(error instanceof MissingLevelsError)) throw error;
      const created = await this.createLevels(error.places, options.deadlineMs);
      return created.outcome === 'COMMITTED' ? this.applyOnce(writes, options) : created;
    });
    if (outcome.outcome !== 'COMMITTED') {
      return writes.map((write) => undecided(write, failureOf(outcome, write)));
    }
    for (const level of outcome.value.levels) {
      this.memory.left(level, options.fencingTokenOf(level.productId));
    }
    return outcome.value.results;
  }

  private applyOnce(writes: readonly StockWrite[], options: ApplyOptions) {
    const answeredBefore: AnsweredBefore = new Map();
    return runTransaction(
      this.sequelize,
      options.deadlineMs,
      (attempt) =>
        new Application(
          this.sequelize,
          this.memory,
          writes,
          options,
          attempt,
          answeredBefore,
        ).run(),
      options,
    );
  }

  /**
   * Levels are created empty, in a transaction of their own, so that the transactions that move stock only ever update
   * rows that exist: an INSERT that meets another's row would lock out of order.
   */
  private createLevels(places: readonly Place[], deadlineMs: number) {
    return runTransaction(this.sequelize, deadlineMs, ({ transaction }) =>
      new StockStatements(this.sequelize, transaction).createLevels(places),
    );
  }
}

/** These levels have to exist before stock can be put there. The transaction is rolled back. */
class MissingLevelsError extends Error {
  constructor(readonly places: readonly Place[]) {
    super(`${places.length} level(s) do not exist yet.`);
    this.name = 'MissingLevelsError';
  }
}

interface Place {
  readonly productId: string;
  readonly locationId: string;
}

/** What earlier calls decided of a write: answers by line index. */
interface Claim {
  readonly write: StockWrite;
  readonly key: KeyedOperation | null;
  /** The key belongs to another request. */
  readonly reused: boolean;
  readonly decided: ReadonlyMap<number, DecidedVerdict>;
}

interface KnownOperation {
  readonly name: string;
  readonly fingerprint: Buffer;
  readonly lines: StoredAnswer[];
}

/** Of each write the lines whose answers stood before this call first tried to commit: only these are replays. */
type AnsweredBefore = Map<StockWrite, ReadonlySet<number>>;

/** What is known of the levels that the open lines want. */
interface Levels {
  /** Taken from memory, and not read. */
  readonly recalled: readonly Place[];
  readonly found: Map<string, LevelLookup>;
  readonly lookup: (place: Place) => LevelLookup;
}

/** One attempt at one transaction. */
class Application {
  private readonly statements: StockStatements;

  constructor(
    sequelize: Sequelize,
    private readonly memory: LevelMemory,
    private readonly writes: readonly StockWrite[],
    private readonly options: ApplyOptions,
    private readonly attempt: Attempt,
    private readonly answeredBefore: AnsweredBefore,
  ) {
    this.statements = new StockStatements(sequelize, attempt.transaction);
  }

  async run(): Promise<{ results: readonly WriteResult[]; levels: readonly StockLevelState[] }> {
    const keyed = await this.claimKeyed();
    const levels = await this.lookUpLevels(keyed);
    const claims = this.attempt.settling ? await this.findTraces(keyed) : keyed;
    const plan = await this.plan(claims.map(openPart), levels);

    await this.statements.changeLevels(plan.levelChanges);
    if (plan.movements.length > 0) {
      await this.statements.insertMovements(plan.movements, (id) =>
        this.options.fencingTokenOf(id),
      );
    }
    await this.storeAnswers(claims, plan.verdicts);
    return {
      results: claims.map((claim, i) => answer(claim, plan.verdicts[i] ?? [])),
      levels: plan.levelChanges.flatMap(levelAfter),
    };
  }

  /** @throws MissingLevelsError */
  private async plan(writes: readonly StockWrite[], levels: Levels): Promise<Plan> {
    let plan = decide(writes, levels.lookup);
    // The statement that changes a level finds out whether what we remembered of it is true. What is not changed has to
    // be read before anybody is told that there is not enough.
    const changed = new Set(plan.levelChanges.map(levelKey));
    if (levels.recalled.some((place) => !changed.has(levelKey(place)))) {
      await this.readLevels(levels.recalled, levels.found);
      plan = decide(writes, levels.lookup);
    }
    const missing = plan.levelChanges.filter((change) => change.before === null);
    if (missing.length > 0) throw new MissingLevelsError(missing);
    return plan;
  }

  /** Takes the rows of the operations that have a key, and with them the answers of earlier calls. */
  private async claimKeyed(): Promise<readonly Claim[]> {
    const keys = this.writes.map(keyedOperation);
    const known = await this.claimRows(keys.filter((key) => key !== null));
    return this.writes.map((write, i): Claim => {
      const key = keys[i] ?? null;
      const earlier = key && known.get(key.operationKey);
      if (!earlier) return { write, key, reused: false, decided: NONE_DECIDED };
      const same = earlier.name === key.name && earlier.fingerprint.equals(key.fingerprint);
      return same
        ? { write, key, reused: false, decided: this.storedVerdicts(write, earlier.lines) }
        : { write, key, reused: true, decided: NONE_DECIDED };
    });
  }

  /** Nothing needs to be read where every row is new. Several writes may belong to one operation. */
  private async claimRows(keys: readonly KeyedOperation[]): Promise<Map<string, KnownOperation>> {
    const known = new Map<string, KnownOperation>();
    if (keys.length === 0) return known;
    const distinct = [...new Map(keys.map((key) => [key.operationKey, key])).values()];
    const sorted = distinct.sort(
      (a, b) =>
        Buffer.compare(a.scope, b.scope) || Buffer.compare(a.idempotencyKey, b.idempotencyKey),
    );
    const created = await this.statements.claimOperations(sorted);
    if (created === sorted.length) return known;
    for (const { operationKey, name, fingerprint } of await this.statements.readOperations(
      sorted,
    )) {
      known.set(operationKey, { name, fingerprint, lines: [] });
    }
    for (const line of await this.statements.readOperationLines(sorted)) {
      known.get(line.operationKey)?.lines.push(line);
    }
    return known;
  }

  private storedVerdicts(
    write: StockWrite,
    stored: readonly StoredAnswer[],
  ): ReadonlyMap<number, DecidedVerdict> {
    // What is found first after a COMMIT was lost may have been stored by this very call.
    if (!this.attempt.settling) {
      this.answeredBefore.set(write, new Set(stored.map(({ lineIndex }) => lineIndex)));
    }
    const verdicts = new Map<number, DecidedVerdict>();
    for (const line of write.lines) {
      const answered = stored.find((candidate) => candidate.lineIndex === line.index);
      const replayed = this.answeredBefore.get(write)?.has(line.index) ?? false;
      if (answered) verdicts.set(line.index, { ...verdictOf(line, answered), replayed });
    }
    return verdicts;
  }

  private async lookUpLevels(claims: readonly Claim[]): Promise<Levels> {
    const places = new Map<string, Place>();
    for (const claim of claims) {
      for (const line of openPart(claim).lines) {
        if (isValidQuantity(line.quantity)) places.set(levelKey(line), line);
      }
    }
    const found = new Map<string, LevelLookup>();
    const sorted = [...places.values()].sort(comparePlaces);
    const recalled = this.rowsAreLocked ? [] : sorted.filter((place) => this.recall(place, found));
    await this.readLevels(
      sorted.filter((place) => !found.has(levelKey(place))),
      found,
    );
    const lookup = (place: Place) => {
      const level = found.get(levelKey(place));
      if (!level) throw new Error(`The level ${levelKey(place)} was not looked up.`);
      return level;
    };
    return { recalled, found, lookup };
  }

  /** From the second attempt on nobody shall be faster again. */
  private get rowsAreLocked(): boolean {
    return this.options.contended || this.attempt.number > 1;
  }

  private recall(place: Place, into: Map<string, LevelLookup>): boolean {
    const level = this.memory.recall(place, this.options.fencingTokenOf(place.productId));
    if (level) into.set(levelKey(place), { found: 'LEVEL', level });
    return level !== null;
  }

  private async readLevels(
    places: readonly Place[],
    into: Map<string, LevelLookup>,
  ): Promise<void> {
    if (places.length === 0) return;
    for (const place of places) into.delete(levelKey(place));
    for (const level of await this.statements.readLevels(places, { lock: this.rowsAreLocked })) {
      into.set(levelKey(level), { found: 'LEVEL', level });
      this.memory.found(level, this.options.fencingTokenOf(level.productId));
    }
    const unknown = places.filter((place) => !into.has(levelKey(place)));
    for (const [key, lookup] of await this.explainMissing(unknown)) into.set(key, lookup);
  }

  private async explainMissing(places: readonly Place[]): Promise<[string, LevelLookup][]> {
    if (places.length === 0) return [];
    const productIds = [...new Set(places.map((place) => place.productId))];
    const locationIds = [...new Set(places.map((place) => place.locationId))];
    const products = await this.statements.readExisting('products', productIds);
    const locations = await this.statements.readExisting('locations', locationIds);
    return places.map((place) => {
      if (!products.has(place.productId)) return [levelKey(place), { found: 'NO_PRODUCT' }];
      if (!locations.has(place.locationId)) return [levelKey(place), { found: 'NO_LOCATION' }];
      return [levelKey(place), { found: 'NO_LEVEL_YET' }];
    });
  }

  /**
   * An earlier attempt's COMMIT was sent and its answer lost. The levels' row locks, held by now, have waited that
   * transaction out; what it wrote for operations without a key stands in the ledger under their ids.
   */
  private async findTraces(claims: readonly Claim[]): Promise<readonly Claim[]> {
    const keyless = claims.filter((claim) => claim.key === null);
    if (keyless.length === 0) return claims;
    const traces = await this.statements.readMovementsOf(
      keyless.map((claim) => claim.write.operation),
    );
    return claims.map((claim) => {
      const decided = new Map(claim.decided);
      for (const trace of traces) {
        if (!trace.operationId.equals(claim.write.operation.id)) continue;
        const line = claim.write.lines.find((candidate) => candidate.index === trace.lineIndex);
        if (!line) continue;
        decided.set(line.index, {
          outcome: 'APPLIED',
          remaining: trace.availableAfter,
          movementId: movementId(line, trace.sequence),
          replayed: false,
        });
      }
      return { ...claim, decided };
    });
  }

  private async storeAnswers(
    claims: readonly Claim[],
    verdicts: readonly (readonly Verdict[])[],
  ): Promise<void> {
    const rows: OperationLineRow[] = [];
    for (const [i, claim] of claims.entries()) {
      const { key } = claim;
      if (!key || claim.reused) continue;
      openPart(claim).lines.forEach((line, at) => {
        const verdict = verdicts[i]?.[at];
        if (verdict) rows.push({ ...key, lineIndex: line.index, ...storedAnswer(verdict) });
      });
    }
    if (rows.length > 0) await this.statements.insertOperationLines(rows);
  }
}

const NONE_DECIDED: ReadonlyMap<number, DecidedVerdict> = new Map();

function keyedOperation(write: StockWrite): KeyedOperation | null {
  const { scope, idempotencyKey, name, fingerprint } = write.operation;
  if (idempotencyKey === null) return null;
  const key = {
    scope: Buffer.from(scope, 'utf8'),
    idempotencyKey: Buffer.from(idempotencyKey, 'utf8'),
  };
  return { ...key, operationKey: operationKeyOf(key.scope, key.idempotencyKey), name, fingerprint };
}

function levelAfter(change: PlannedLevelChange): StockLevelState[] {
  const { before, delta, movements } = change;
  if (!before) return [];
  const { onHand, lastSequence, version } = before;
  return [
    {
      ...before,
      onHand: onHand + delta,
      lastSequence: lastSequence + movements,
      version: version + 1,
    },
  ];
}

/** The write without what is decided already. */
function openPart({ write, reused, decided }: Claim): StockWrite {
  if (reused) return { ...write, lines: [] };
  if (decided.size === 0) return write;
  return { ...write, lines: write.lines.filter((line) => !decided.has(line.index)) };
}

function answer(claim: Claim, verdicts: readonly Verdict[]): WriteResult {
  if (claim.reused) return { outcome: 'KEY_REUSED' };
  const fresh = verdicts.values();
  return {
    outcome: 'DECIDED',
    verdicts: claim.write.lines.map((line): DecidedVerdict => {
      const decided = claim.decided.get(line.index);
      if (decided) return decided;
      const { value } = fresh.next();
      if (!value) throw new Error(`Line ${line.index} was given no verdict.`);
      return { ...value, replayed: false };
    }),
  };
}

type StoredAnswer = Pick<OperationLineRow, 'lineIndex' | 'outcome' | 'available' | 'sequence'>;

/** An answer as it is kept: what can be told from the request, which is the same, is not kept again. */
function storedAnswer(verdict: Verdict): Omit<StoredAnswer, 'lineIndex'> {
  if (verdict.outcome === 'APPLIED') {
    const sequence = Number(verdict.movementId.slice(verdict.movementId.lastIndexOf('/') + 1));
    return { outcome: 'APPLIED', available: verdict.remaining, sequence };
  }
  const { failure } = verdict;
  const available = failure.code === 'INSUFFICIENT_STOCK' ? failure.available : null;
  return { outcome: failure.code, available, sequence: null };
}

function verdictOf(line: StockLine, stored: StoredAnswer): Verdict {
  if (stored.outcome === 'APPLIED') {
    return {
      outcome: 'APPLIED',
      remaining: stored.available ?? 0,
      movementId: movementId(line, stored.sequence ?? 0),
    };
  }
  return { outcome: 'REFUSED', failure: storedFailure(line, stored) };
}

function storedFailure(line: StockLine, stored: StoredAnswer): StockFailure {
  switch (stored.outcome) {
    case 'INSUFFICIENT_STOCK':
      return {
        code: 'INSUFFICIENT_STOCK',
        requested: line.quantity,
        available: stored.available ?? 0,
      };
    case 'PRODUCT_NOT_FOUND':
    case 'LOCATION_NOT_FOUND':
    case 'INVALID_QUANTITY':
      return { code: stored.outcome };
    case 'ABORTED':
      // Only what is final is kept, so the line that aborted this one was final, too.
      return { code: 'ABORTED', retryable: false };
    default:
      throw new Error(`A stored answer has the unknown outcome ${stored.outcome}.`);
  }
}

function undecided(write: StockWrite, failure: StockFailure): WriteResult {
  const verdict: DecidedVerdict = { outcome: 'REFUSED', failure, replayed: false };
  return { outcome: 'DECIDED', verdicts: write.lines.map(() => verdict) };
}

function failureOf(
  outcome:
    | { readonly outcome: 'ROWS_LOCKED'; readonly waitedMs: number }
    | { readonly outcome: 'UNAVAILABLE'; readonly mayHaveApplied: boolean },
  write: StockWrite,
): StockFailure {
  if (outcome.outcome === 'ROWS_LOCKED') {
    return { code: 'LOCK_TIMEOUT', waitedMs: Math.round(outcome.waitedMs) };
  }
  const { mayHaveApplied } = outcome;
  const retryable = !mayHaveApplied || write.operation.idempotencyKey !== null;
  return { code: 'UNAVAILABLE', mayHaveApplied, retryable };
}
