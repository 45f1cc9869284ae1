/**
 * Rows that an attempt writes only so that it conflicts with a transaction at another member of a group or of Galera.
 *
 * Members do not wait for each other's row locks: they compare the rows that two transactions have written, and of two
 * that wrote one row exactly one commits. A grant writes its levels and its ledger lines, and an answer that is stored
 * writes the row of its key. What is left:
 *
 *   attempt                                | may go on beside it                     | writes as well
 *   follows a failed COMMIT, refuses, and  | the earlier one, which was granted, and | the levels of the refused
 *   stores no answer                       | whose COMMIT is under way               | lines
 *   creates a reservation under a bound    | one of the same principal and product,  | the first level of each
 *                                          | at another location                     | product
 *
 * An attempt that refuses what another process may still apply writes the levels of the refused lines, also where
 * there is one server (delegated-write.ts).
 *
 * Writing a level raises its version, and changes nothing else of it.
 */
import { isDoubtful } from '../../inventory/delegated-write.js';
import { withLevelsWritten, type Decision, type Plan } from '../../inventory/decision.js';
import {
  comparePlaces,
  isPossible,
  levelKey,
  type Place,
  type StockWrite,
} from '../../inventory/stock.js';
import { isAnswerStored } from './answers.js';
import { openPart, type Claim } from './claims.js';
import type { Attempt } from './known.js';
import type { Findings } from './levels.js';

/** The plan, with the levels that are only to be written. */
export function withConflictingRows(
  attempt: Attempt,
  claims: readonly Claim[],
  plan: Plan,
  { levels }: Pick<Findings, 'levels'>,
): Plan {
  const places = [
    ...claims.flatMap((claim, i) => placesOfRefused(attempt, claim, plan.decisions[i])),
    ...firstPlaces(attempt, plan, levels),
  ];
  return withLevelsWritten(plan, places, (place) => levels.get(levelKey(place)));
}

function placesOfRefused(
  { commitFailed }: Attempt,
  claim: Claim,
  decision: Decision | undefined,
): readonly Place[] {
  if (
    !(commitFailed || isDoubtful(claim.write)) ||
    !decision ||
    (claim.key !== null && isAnswerStored(claim, decision))
  )
    return [];
  return openPart(claim).lines.filter((line, at) => {
    const isRefused =
      decision.outcome === 'REFUSED' || decision.verdicts[at]?.outcome === 'REFUSED';
    return isRefused && isPossible(line);
  });
}

function firstPlaces(
  { known }: Attempt,
  { creating }: Plan,
  levels: Findings['levels'],
): readonly Place[] {
  if (known.holders === null || creating.length === 0) return [];
  const bounded = new Set(creating.filter(hasPrincipal).flatMap(({ productIds }) => productIds));
  const first = new Map<string, Place>();
  for (const lookup of levels.values()) {
    if (lookup.found !== 'LEVEL' || !bounded.has(lookup.level.productId)) continue;
    const before = first.get(lookup.level.productId);
    if (!before || comparePlaces(lookup.level, before) < 0) {
      first.set(lookup.level.productId, lookup.level);
    }
  }
  return [...first.values()];
}

function hasPrincipal({ operation }: StockWrite): boolean {
  return operation.principal !== null;
}
