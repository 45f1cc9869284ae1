/**
 * One attempt at one transaction: carries out the writes of a batch by a number of statements that does not grow with
 * the lines.
 *
 *   step          | what it does                                             | locks, until the transaction ends
 *   claim         | takes the rows of idempotency keys, finds their answers  | operations
 *   look up       | reads levels, reservations, and expired reservations     | reservations; levels from attempt 2 on
 *   settle        | finds the effects of an attempt with an unknown COMMIT   |
 *   decide        | in memory; rereads stale levels before refusing a caller |
 *   carry out     | levels, ledger, reservations                             | levels
 *   answer        | stores the answers that have a key, withdraws attempts   | withdrawals
 *                 | of other processes (delegated-write.ts)                  |
 *
 * The first attempt reads levels without locking them, or takes them from memory. An attempt that fails is rolled back
 * and repeated as a whole (transactions.ts), then with rows locked before they are read.
 *
 * Invariants:
 * 1. A level changes only if its version is the one that the decision was made from.
 *    (test/support/stock-store-contract.ts: "transactions that race without any lock take exactly what is there")
 *    (test/integration/database/adversarial.test.ts: "a sale between the read and the UPDATE is not overwritten")
 * 2. No caller is refused because of a level that was remembered and not read again.
 *    (test/integration/database/adversarial.test.ts: "stock that another process has put in is found")
 * 3. Rows are locked in one order: operations, reservations, levels, withdrawals, each ascending byte by byte.
 *    (test/integration/database/adversarial.test.ts: "transactions over the same products in opposite orders")
 * 4. What expired reservations hold is given back before anything is decided, and once.
 *    (test/support/stock-store-contract.ts: "what an expired reservation held is given back before")
 *    (test/integration/database/adversarial.test.ts: "of a commit and the expiry of one reservation exactly one")
 * 5. Effects and stored answers are committed together, so one key has one effect.
 *    (test/support/stock-store-contract.ts: "an answer is stored under its key, repeated as a replay")
 *    (test/integration/database/adversarial.test.ts: "a second call with the key of one that is under way")
 * 6. After a COMMIT without an answer the same operations have one effect, and the answer is true.
 *    (test/support/stock-store-contract.ts: "is settled with one effect and a first answer")
 *    (test/clusters/mysql-lost-commit.test.ts: "exactly one of the two commits")
 * 7. Of the attempts of several processes at one write, one is applied, and none after another was refused.
 *    (test/support/delegated-writes-contract.ts: "an earlier attempt is not applied after a later one was refused")
 */
import { decide, type Plan, type PlannedLevelChange } from '../../inventory/decision.js';
import {
  levelKey,
  type StockLevelState,
  type Place,
  type StockWrite,
} from '../../inventory/stock.js';
import type { WriteResult } from '../../inventory/stock-store.js';
import { ReadAgainError } from '../errors.js';
import { answersOf, storeAnswers } from './answers.js';
import { claim, openPart, type Claim } from './claims.js';
import { withConflictingRows } from './conflicting-rows.js';
import type { Attempt } from './known.js';
import { hasReserved, lookUp, readLevels, type Findings } from './levels.js';
import { settle } from './settling.js';

/** Levels must be created before the lines can be carried out. The transaction is rolled back. */
export class MissingLevelsError extends Error {
  constructor(readonly places: readonly Place[]) {
    super(`${places.length} level(s) do not exist yet.`);
    this.name = 'MissingLevelsError';
  }
}

export interface Applied {
  readonly results: readonly WriteResult[];
  /** The changed levels, as they are after COMMIT. */
  readonly levels: readonly StockLevelState[];
  /** An earlier attempt, whose COMMIT was not answered or was refused, has or may have changed levels. */
  readonly settled: boolean;
}

/** @throws MissingLevelsError, ManyDueError; ReadAgainError, UnexpectedRowCountError, which ask for another attempt. */
export async function runAttempt(attempt: Attempt): Promise<Applied> {
  const claims = await claim(attempt);
  const findings = await lookUp(attempt, claims.map(openPart));
  const settled = attempt.tracesAreSought ? await settle(attempt, claims, findings) : claims;
  const decided = await decideSurely(attempt, settled.map(openPart), findings);
  const plan = withConflictingRows(attempt, settled, decided, findings);
  const wanted = settled.filter(({ withdrawn }) => !withdrawn).map(({ write }) => write);
  await carryOut(attempt, plan, findings, wanted);
  await storeAnswers(attempt, settled, plan.decisions);
  await attempt.withdrawals.withdraw(attempt.known.doubtful);
  return {
    results: await answersOf(attempt, settled, plan.decisions),
    levels: plan.levelChanges.flatMap(levelAfter),
    settled: attempt.settling || settled.some(wasAnsweredMeanwhile),
  };
}

/** Whether an earlier attempt has carried out the write or a part of it. An earlier request's answers are replays. */
function wasAnsweredMeanwhile({ refused, decided }: Claim): boolean {
  if (refused) return !refused.replayed;
  return [...decided.values()].some(({ replayed }) => !replayed);
}

/** @throws MissingLevelsError, ReadAgainError */
async function decideSurely(
  attempt: Attempt,
  writes: readonly StockWrite[],
  { levels, unsure, swept, reservations, due, holdings }: Findings,
): Promise<Plan> {
  const level = (place: Place) => {
    const lookup = levels.get(levelKey(place));
    if (!lookup) throw new Error(`The level ${levelKey(place)} was not looked up.`);
    return lookup;
  };
  let plan = decide(writes, { level, reservations, due, holdings });
  // The UPDATE compares the versions of changed levels only. Remembered levels that refuse a line are read again.
  const changed = new Set(plan.levelChanges.map(levelKey));
  if (unsure.some((place) => !changed.has(levelKey(place)))) {
    await readLevels(attempt, unsure, levels);
    const isNews = (place: Place) =>
      hasReserved(levels.get(levelKey(place))) && !swept.has(place.productId);
    if (unsure.some(isNews)) throw new ReadAgainError();
    plan = decide(writes, { level, reservations, due, holdings });
  }
  const missing = plan.levelChanges.filter((change) => change.before === null);
  if (missing.length > 0) throw new MissingLevelsError(missing);
  return plan;
}

async function carryOut(
  { stock, reservations, known }: Attempt,
  plan: Plan,
  { due }: Findings,
  wanted: readonly StockWrite[],
): Promise<void> {
  await reservations.giveBack(due);
  await reservations.close(plan.closing);
  await stock.changeLevels(plan.levelChanges, wanted);
  await stock.insertMovements(plan.movements, known.options);
  await reservations.create(plan.creating);
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
