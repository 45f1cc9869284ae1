/**
 * One attempt at one transaction: claim the operations' rows, lock the reservations, look up the levels, decide in
 * memory, change the levels only if they are still as they were read, write the ledger and the answers.
 *
 * The first attempt reads levels plainly and lets the conditional UPDATE find out whether somebody was faster; from the
 * second on rows are locked before they are read, so nobody can be. Locks are taken in one order: operation keys, then
 * reservations, then levels, each ascending byte by byte.
 */
import type { Sequelize } from 'sequelize';
import type { DueLine, Reservation, ReservationStatus } from '../../inventory/reservation.js';
import { toReservedItem } from '../../inventory/reservation.js';
import {
  compareBytes,
  comparePlaces,
  isPossible,
  levelKey,
  movementId,
  type CreatingWrite,
  type DecidedVerdict,
  type LevelLookup,
  type StockLevelState,
  type StockWrite,
} from '../../inventory/stock.js';
import {
  decide,
  type Decision,
  type Plan,
  type PlannedLevelChange,
} from '../../inventory/decision.js';
import type { ApplyOptions, WriteResult } from '../../inventory/stock-store.js';
import { Claims, openPart, type Claim, type AnsweredBefore } from './claims.js';
import { ReadAgainError } from '../errors.js';
import type { LevelMemory } from './level-memory.js';
import { ReservationStatements, type LockedReservation } from './reservation-statements.js';
import { StockStatements, type OperationLineRow } from './stock-statements.js';
import { storedRefusal, storedVerdict } from './stored-answers.js';
import type { Attempt } from './transactions.js';

interface Place {
  readonly productId: string;
  readonly locationId: string;
}

/** These levels have to exist before stock can be put there. The transaction is rolled back. */
export class MissingLevelsError extends Error {
  constructor(readonly places: readonly Place[]) {
    super(`${places.length} level(s) do not exist yet.`);
    this.name = 'MissingLevelsError';
  }
}

/** More expired reservations hold something of these products than one transaction gives back. It is rolled back. */
export class ManyDueError extends Error {
  constructor(readonly productIds: readonly string[]) {
    super('Many reservations have expired.');
    this.name = 'ManyDueError';
  }
}

/** The most expired reservations that one transaction gives back. */
const GIVE_BACK_MAX = 1_000;

/** What is known when it is decided. */
interface Findings {
  readonly levels: Map<string, LevelLookup>;
  /** Levels that nothing locks and that may have changed: nobody is refused because of them unread. */
  readonly unsure: readonly Place[];
  /** Products of which all that is due is among `due`. */
  readonly swept: ReadonlySet<string>;
  readonly reservations: ReadonlyMap<string, LockedReservation>;
  readonly due: readonly DueLine[];
}

export interface Applied {
  readonly results: readonly WriteResult[];
  /** The levels that were changed, as they are now. */
  readonly levels: readonly StockLevelState[];
  /** An earlier attempt may have been applied, and this one found out. */
  readonly settled: boolean;
}

export class Application {
  private readonly statements: StockStatements;
  private readonly reservations: ReservationStatements;

  constructor(
    sequelize: Sequelize,
    private readonly memory: LevelMemory,
    private readonly writes: readonly StockWrite[],
    private readonly options: Pick<ApplyOptions, 'contended' | 'fencingTokenOf'>,
    private readonly attempt: Attempt,
    private readonly answeredBefore: AnsweredBefore,
  ) {
    this.statements = new StockStatements(sequelize, attempt.transaction);
    this.reservations = new ReservationStatements(sequelize, attempt.transaction);
  }

  /** @throws MissingLevelsError, ManyDueError; ReadAgainError, UnexpectedRowCountError, which ask for another try. */
  async run(): Promise<Applied> {
    const { settling } = this.attempt;
    const claiming = new Claims(this.statements, settling, this.answeredBefore);
    const keyed = await claiming.of(this.writes);
    const findings = await this.lookUp(keyed.map(openPart));
    const claims = settling ? await this.findTraces(keyed, findings) : keyed;
    const plan = await this.plan(claims.map(openPart), findings);

    await this.reservations.giveBack(findings.due);
    await this.reservations.close(plan.closing);
    await this.statements.changeLevels(plan.levelChanges);
    if (plan.movements.length > 0) {
      await this.statements.insertMovements(plan.movements, (id) =>
        this.options.fencingTokenOf(id),
      );
    }
    await this.reservations.create(plan.creating);
    await this.storeAnswers(claims, plan.decisions);
    const results = claims.map((claim, i) => answer(claim, plan.decisions[i]));
    return {
      results: await this.withReservations(results),
      levels: plan.levelChanges.flatMap(levelAfter),
      settled: settling,
    };
  }

  private async lookUp(writes: readonly StockWrite[]): Promise<Findings> {
    const places = new Map<string, Place>();
    for (const write of writes) {
      for (const line of write.lines) if (isPossible(line)) places.set(levelKey(line), line);
    }
    const levels = new Map<string, LevelLookup>();
    const unsure = this.rowsAreLocked
      ? []
      : await this.lookUpPlainly([...places.values()].sort(comparePlaces), levels);
    const swept = this.productsToSweep(writes, levels);
    const { reservations, due } = await this.lockReservations(writes, swept);
    for (const line of due) places.set(levelKey(line), line);
    const unknown = [...places.values()].filter((place) => !levels.has(levelKey(place)));
    await this.readLevels(unknown.sort(comparePlaces), levels);
    return { levels, unsure, swept, reservations, due };
  }

  /** @returns the levels that may have changed since. */
  private async lookUpPlainly(
    sorted: readonly Place[],
    levels: Map<string, LevelLookup>,
  ): Promise<Place[]> {
    const recalled = sorted.filter((place) => this.recall(place, levels));
    const read = sorted.filter((place) => !levels.has(levelKey(place)));
    await this.readLevels(read, levels);
    // Of what is reserved others may give something back between this read and the one of what is due.
    return [...recalled, ...read.filter((place) => hasReserved(levels.get(levelKey(place))))];
  }

  /** Products of which something may be due: only what is reserved can be. */
  private productsToSweep(
    writes: readonly StockWrite[],
    levels: ReadonlyMap<string, LevelLookup>,
  ): ReadonlySet<string> {
    const products = new Set<string>();
    for (const { type, productIds, lines } of writes) {
      if (type === 'SWEEPING') for (const id of productIds) products.add(id);
      for (const line of lines) {
        const isSuspect = this.rowsAreLocked || hasReserved(levels.get(levelKey(line)));
        if (isSuspect && isPossible(line)) products.add(line.productId);
      }
    }
    return products;
  }

  private async lockReservations(
    writes: readonly StockWrite[],
    products: ReadonlySet<string>,
  ): Promise<Pick<Findings, 'reservations' | 'due'>> {
    const closing = writes.flatMap((write) =>
      write.type === 'CLOSING' ? [write.reservationId] : [],
    );
    const dueIds = products.size > 0 ? await this.readDue(writes, [...products]) : [];
    const ids = [...new Set([...closing, ...dueIds])].sort(compareBytes);
    if (ids.length === 0) return { reservations: new Map(), due: [] };
    const locked = await this.reservations.lock(ids);
    const reservations = new Map(locked.map((reservation) => [reservation.id, reservation]));
    // Who was committed or released since it was found to be due holds nothing to give back.
    const over = dueIds.filter((id) => reservations.get(id)?.status === 'EXPIRED');
    const due = over.length > 0 ? await this.reservations.readHeldLines(over, [...products]) : [];
    return { reservations, due };
  }

  private async readDue(
    writes: readonly StockWrite[],
    products: readonly string[],
  ): Promise<readonly string[]> {
    const due = await this.reservations.readDue(products, GIVE_BACK_MAX + 1);
    if (due.length <= GIVE_BACK_MAX) return due;
    const isSweeping = writes.every(({ type }) => type === 'SWEEPING');
    if (!isSweeping) throw new ManyDueError(products);
    return due.slice(0, GIVE_BACK_MAX);
  }

  /** @throws MissingLevelsError, ReadAgainError */
  private async plan(writes: readonly StockWrite[], findings: Findings): Promise<Plan> {
    const { levels, unsure, due } = findings;
    const statuses = new Map<string, ReservationStatus>();
    for (const { id, status } of findings.reservations.values()) statuses.set(id, status);
    const knowledge = {
      level: (place: Place) => {
        const level = levels.get(levelKey(place));
        if (!level) throw new Error(`The level ${levelKey(place)} was not looked up.`);
        return level;
      },
      reservations: statuses,
      due,
    };
    let plan = decide(writes, knowledge);
    // The statement that changes a level finds out whether what we believe of it is true. What is not changed has to be
    // read before anybody is told that there is not enough.
    const changed = new Set(plan.levelChanges.map(levelKey));
    if (unsure.some((place) => !changed.has(levelKey(place)))) {
      await this.readLevels(unsure, levels);
      const isNews = (place: Place) =>
        hasReserved(levels.get(levelKey(place))) && !findings.swept.has(place.productId);
      if (unsure.some(isNews)) throw new ReadAgainError();
      plan = decide(writes, knowledge);
    }
    const missing = plan.levelChanges.filter((change) => change.before === null);
    if (missing.length > 0) throw new MissingLevelsError(missing);
    return plan;
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
   * An earlier attempt's COMMIT was sent and its answer lost. The row locks, held by now, have waited that transaction
   * out. What it did for operations without a key stands in the ledger, and in the reservations, under their ids.
   */
  private async findTraces(
    claims: readonly Claim[],
    findings: Findings,
  ): Promise<readonly Claim[]> {
    const keyless = claims.filter((claim) => claim.key === null);
    if (keyless.length === 0) return claims;
    const operations = keyless.map((claim) => claim.write.operation);
    const movements = await this.statements.readMovementsOf(operations);
    const made = new Set(await this.reservationsThere(keyless.map(({ write }) => write)));
    return claims.map((claim) => {
      const { operation, lines } = claim.write;
      const decided = new Map(claim.decided);
      const closedBy =
        claim.write.type === 'CLOSING'
          ? findings.reservations.get(claim.write.reservationId)?.closedBy
          : null;
      if (made.has(claim.write) || closedBy?.equals(operation.id)) {
        // Nobody is told what was left after a reservation.
        for (const { index } of lines) decided.set(index, APPLIED_WITHOUT_MOVEMENT);
      }
      for (const trace of movements) {
        if (!trace.operationId.equals(operation.id)) continue;
        const line = lines.find((candidate) => candidate.index === trace.lineIndex);
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

  private async reservationsThere(writes: readonly StockWrite[]): Promise<readonly StockWrite[]> {
    const creating = writes.filter((write) => write.type === 'CREATING');
    if (creating.length === 0) return [];
    const heads = await this.reservations.readHeads(creating.map((w) => w.reservationId));
    const there = new Set(heads.map(({ id }) => id));
    return creating.filter((write) => there.has(write.reservationId));
  }

  private async storeAnswers(
    claims: readonly Claim[],
    decisions: readonly Decision[],
  ): Promise<void> {
    const rows: OperationLineRow[] = [];
    for (const [i, claim] of claims.entries()) {
      const { key } = claim;
      const decision = decisions[i];
      if (!key || !decision || claim.reused) continue;
      if (decision.outcome === 'REFUSED') {
        rows.push({ ...key, ...storedRefusal(decision.failure) });
        continue;
      }
      openPart(claim).lines.forEach((line, at) => {
        const verdict = decision.verdicts[at];
        if (verdict) rows.push({ ...key, ...storedVerdict(line.index, verdict) });
      });
    }
    if (rows.length > 0) await this.statements.insertOperationLines(rows);
  }

  /** Who has made a reservation, now or by an earlier call, is told how it stands now. */
  private async withReservations(results: readonly WriteResult[]): Promise<readonly WriteResult[]> {
    const ids = results.flatMap(
      (result, i) => createdBy(this.writes[i], result)?.reservationId ?? [],
    );
    if (ids.length === 0) return results;
    const heads = await this.reservations.readHeads(ids);
    const byId = new Map(heads.map((head) => [head.id, head]));
    return results.map((result, i): WriteResult => {
      const write = createdBy(this.writes[i], result);
      if (!write || result.outcome !== 'DECIDED') return result;
      const head = byId.get(write.reservationId);
      if (!head) throw new Error('A reservation that was made is not there.');
      const reservation: Reservation = { ...head, items: write.lines.map(toReservedItem) };
      return { ...result, reservation };
    });
  }
}

const APPLIED_WITHOUT_MOVEMENT: DecidedVerdict = {
  outcome: 'APPLIED',
  remaining: 0,
  movementId: null,
  replayed: false,
};

function createdBy(write: StockWrite | undefined, result: WriteResult): CreatingWrite | null {
  if (write?.type !== 'CREATING' || result.outcome !== 'DECIDED') return null;
  return result.verdicts.every(({ outcome }) => outcome === 'APPLIED') ? write : null;
}

function hasReserved(found: LevelLookup | undefined): boolean {
  return found?.found === 'LEVEL' && found.level.reserved > 0;
}

function levelAfter(change: PlannedLevelChange): StockLevelState[] {
  const { before, delta, reservedDelta, movements } = change;
  if (!before) return [];
  return [
    {
      ...before,
      onHand: before.onHand + delta,
      reserved: before.reserved + reservedDelta,
      lastSequence: before.lastSequence + movements,
      version: before.version + 1,
    },
  ];
}

function answer(claim: Claim, decision: Decision | undefined): WriteResult {
  if (claim.reused) return { outcome: 'KEY_REUSED', answerExpired: claim.reused === 'EXPIRED' };
  if (claim.refused) return { outcome: 'REFUSED', ...claim.refused };
  if (!decision) throw new Error('A write was not decided.');
  if (decision.outcome === 'REFUSED') return { ...decision, replayed: false };
  const fresh = decision.verdicts.values();
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
