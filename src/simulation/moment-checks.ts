/**
 * Checks the ledger against real time: the order of operations, and the moments at which they took effect.
 *
 * The ledger gives each place's states in their order, state k being the one after line k. A line was committed not
 * before its operation's first call began, and not after the first answer that has it. As commits come in the order
 * of their sequence, these bounds tighten each other: state k began at the latest begin of the lines up to k or later,
 * and ended at the earliest answer about the lines behind k or earlier. Where the moment of the commit is known, it is
 * both bounds.
 *
 * Bounds are never narrower than the true span, so a correct history never fails the check.
 */
import {
  finalLines,
  type History,
  type HistoryLedgerLine,
  type HistoryOperation,
} from './history.js';

export interface MomentCounts {
  /** Refusals that the level's state justified. */
  readonly refusalsJustified: number;
  readonly readsJustified: number;
}

export interface MomentReport {
  readonly wrong: readonly string[];
  readonly counts: MomentCounts;
}

export function checkMoments(history: History): MomentReport {
  const places = timelinesOf(history);
  const holds = holdsOf(history.operations);
  const wrong = [...places.values()].flatMap((timeline) => timeline.outOfOrder());
  const counts = { refusalsJustified: 0, readsJustified: 0 };
  const timelineOf = (place: string) => places.get(place) ?? new Timeline([]);
  for (const operation of history.operations) {
    for (const refusal of refusalsOf(operation)) {
      const timeline = timelineOf(refusal.place);
      const isKnown = history.initial.has(refusal.place);
      const problem =
        refusal.code === 'PRODUCT_NOT_FOUND'
          ? isKnown
          : !timeline.justifies(refusal, holds.get(refusal.place) ?? []);
      if (!problem) counts.refusalsJustified += 1;
      else {
        const told = JSON.stringify({ refusal, operation, ledger: timeline.around(refusal) });
        wrong.push(`${operation.name} was refused at no moment that justifies it: ${told}`);
      }
    }
  }
  for (const read of history.reads) {
    const place = `${read.productId}/${read.locationId}`;
    const claim = { ...read, place, slack: 0 };
    const timeline = timelineOf(place);
    if (timeline.justifies(claim, holds.get(place) ?? [])) counts.readsJustified += 1;
    else {
      const told = JSON.stringify({ read, ledger: timeline.around(claim) });
      wrong.push(`${place} was read as it was at no moment of the call: ${told}`);
    }
  }
  return { wrong, counts };
}

/** A statement of an answer about a level, and the span in which it must have been true. */
interface Claim {
  readonly place: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly onHand?: number;
  readonly available?: number;
  /** Units that earlier lines of the same request, undone with it, had taken when it was refused. */
  readonly slack: number;
}

interface Refusal extends Claim {
  readonly code: string;
}

/** The refusals of one operation that the level's state must justify. */
function refusalsOf(operation: HistoryOperation): Refusal[] {
  const { tries, items, keyed } = operation;
  const firstBeginMs = Math.min(...tries.map(({ beginMs }) => beginMs));
  return tries.flatMap(({ beginMs, endMs, answer }) => {
    if (answer.kind !== 'ANSWERED') return [];
    return answer.lines.flatMap((line): Refusal[] => {
      const item = items[line.index];
      if (!item || line.outcome !== 'REFUSED') return [];
      const { code, available, actual } = line;
      const place = `${item.productId}/${item.locationId}`;
      // The answer of a key may have been decided by an earlier call.
      const refusal = { code, place, beginMs: keyed ? firstBeginMs : beginMs, endMs };
      if (code === 'PRODUCT_NOT_FOUND') return [{ ...refusal, slack: 0 }];
      if (code === 'STALE_QUANTITY' && actual !== undefined) {
        return [{ ...refusal, onHand: actual, slack: 0 }];
      }
      if (code !== 'INSUFFICIENT_STOCK' || available === undefined) return [];
      const undone = answer.lines.filter((other) => {
        const before = items[other.index];
        return (
          operation.atomic &&
          other.index < line.index &&
          other.outcome === 'REFUSED' &&
          other.code === 'ABORTED' &&
          before?.productId === item.productId &&
          before.locationId === item.locationId
        );
      });
      const slack = undone.reduce((sum, { index }) => sum + (items[index]?.quantity ?? 0), 0);
      return [{ ...refusal, available, slack }];
    });
  });
}

/** Units that a reservation holds: surely from `heldMs` to `freedMs`, perhaps from `beginMs` to `endMs`. */
interface HoldSpan {
  readonly quantity: number;
  readonly beginMs: number;
  readonly heldMs: number;
  readonly freedMs: number;
  readonly endMs: number;
}

function holdsOf(operations: readonly HistoryOperation[]): ReadonlyMap<string, HoldSpan[]> {
  const enders = new Map<HistoryOperation, HistoryOperation[]>();
  for (const operation of operations) {
    if (operation.ends)
      enders.set(operation.ends, [...(enders.get(operation.ends) ?? []), operation]);
  }
  const holds = new Map<string, HoldSpan[]>();
  for (const operation of operations) {
    if (operation.holdsForMs === undefined) continue;
    const span = spanOf(operation, operation.holdsForMs, enders.get(operation) ?? []);
    if (!span) continue;
    for (const { productId, locationId, quantity } of operation.items) {
      const place = `${productId}/${locationId}`;
      const spans = holds.get(place);
      if (spans) spans.push({ ...span, quantity });
      else holds.set(place, [{ ...span, quantity }]);
    }
  }
  return holds;
}

/** Null where no units were certainly held. */
function spanOf(
  { tries, items }: HistoryOperation,
  holdsForMs: number,
  enders: readonly HistoryOperation[],
): Omit<HoldSpan, 'quantity'> | null {
  const told = finalLines(tries);
  const isRefused = items.some((_, i) => told.get(i)?.[0]?.outcome === 'REFUSED');
  if (isRefused) return null;
  const beginMs = Math.min(...tries.map((one) => one.beginMs));
  const heldMs = Math.min(...tries.filter(isApplied).map((one) => one.endMs));
  const ended = enders.flatMap((ender) => ender.tries);
  const freedMs = Math.min(beginMs + holdsForMs, ...ended.map((one) => one.beginMs));
  // Expired units count as held until the next write to the product releases them.
  const endMs = Math.min(Infinity, ...ended.filter(isApplied).map((one) => one.endMs));
  return { beginMs, heldMs, freedMs, endMs };
}

function isApplied({ answer }: HistoryOperation['tries'][number]): boolean {
  return answer.kind === 'ANSWERED' && answer.lines.every(({ outcome }) => outcome === 'APPLIED');
}

interface TimedLine {
  readonly line: HistoryLedgerLine;
  readonly beginMs: number;
  readonly toldMs: number;
}

/** A line of no client existed before the first call if it is a place's first line; else its time is unknown. */
function timelinesOf({ operations, ledger }: History): ReadonlyMap<string, Timeline> {
  const times = new Map<string, { beginMs: number; toldMs: Map<number, number> }>();
  for (const { reference, items, tries } of operations) {
    if (items.some(({ effect }) => effect === 'HOLD' || effect === 'FREE')) continue;
    const toldMs = new Map<number, number>();
    for (const { endMs, answer } of tries) {
      for (const line of answer.kind === 'ANSWERED' ? answer.lines : []) {
        if (line.outcome !== 'APPLIED') continue;
        toldMs.set(line.index, Math.min(endMs, toldMs.get(line.index) ?? Infinity));
      }
    }
    const known = times.get(reference);
    const beginMs = Math.min(...tries.map((one) => one.beginMs), known?.beginMs ?? Infinity);
    for (const [index, at] of known?.toldMs ?? []) {
      toldMs.set(index, Math.min(at, toldMs.get(index) ?? Infinity));
    }
    times.set(reference, { beginMs, toldMs });
  }
  const byPlace = new Map<string, TimedLine[]>();
  for (const line of ledger) {
    const place = `${line.productId}/${line.locationId}`;
    const time = line.reference === null ? undefined : times.get(line.reference);
    const unknownMs = line.kind === 'INITIAL' ? -Infinity : Infinity;
    const timed = {
      line,
      beginMs: time?.beginMs ?? -Infinity,
      toldMs: time ? (time.toldMs.get(line.lineIndex) ?? Infinity) : unknownMs,
    };
    const lines = byPlace.get(place);
    if (lines) lines.push(timed);
    else byPlace.set(place, [timed]);
  }
  return new Map([...byPlace].map(([place, lines]) => [place, new Timeline(lines)]));
}

/** The states of one place, with the bounds of the span of each. */
class Timeline {
  /** When state k began at the earliest; state 0 is the one before the first line. */
  private readonly fromMs: number[] = [-Infinity];
  /** When state k ended at the latest. */
  private readonly untilMs: number[];

  constructor(private readonly lines: readonly TimedLine[]) {
    this.untilMs = new Array<number>(lines.length + 1).fill(Infinity);
    let latestBegin = -Infinity;
    for (const { line, beginMs } of lines) {
      latestBegin = Math.max(latestBegin, line.committedMs ?? beginMs);
      this.fromMs.push(latestBegin);
    }
    let earliestTold = Infinity;
    for (let k = lines.length - 1; k >= 0; k -= 1) {
      const timed = lines[k];
      earliestTold = Math.min(earliestTold, timed?.line.committedMs ?? timed?.toldMs ?? Infinity);
      this.untilMs[k] = earliestTold;
    }
  }

  /** Pairs of lines in the wrong order: the second one was answered before the call of the first one began. */
  outOfOrder(): string[] {
    const wrong: string[] = [];
    let earliest: TimedLine | null = null;
    for (const timed of [...this.lines].reverse()) {
      if (earliest && earliest.toldMs < timed.beginMs) {
        const both = JSON.stringify({ answeredBefore: earliest, begunAfter: timed });
        wrong.push(`A call began after another was answered and stands before it: ${both}`);
      }
      if (!earliest || timed.toldMs < earliest.toldMs) earliest = timed;
    }
    return wrong;
  }

  justifies(claim: Claim, holds: readonly HoldSpan[]): boolean {
    return this.statesWithin(claim).some((k) => {
      const onHand = this.lines[k - 1]?.line.quantityAfter ?? 0;
      if (claim.onHand !== undefined && claim.onHand !== onHand) return false;
      if (claim.available === undefined) return true;
      const beginMs = Math.max(claim.beginMs, this.fromMs[k] ?? -Infinity);
      const endMs = Math.min(claim.endMs, this.untilMs[k] ?? Infinity);
      let least = 0;
      let most = 0;
      for (const hold of holds) {
        if (hold.beginMs > endMs || hold.endMs < beginMs) continue;
        most += hold.quantity;
        if (hold.heldMs <= beginMs && hold.freedMs > endMs) least += hold.quantity;
      }
      const available = claim.available + claim.slack;
      return available <= onHand - least && available >= onHand - most;
    });
  }

  /** The ledger lines around a claim's states, for the failure message. */
  around(claim: Claim): readonly TimedLine[] {
    const states = this.statesWithin(claim);
    const [first = 0] = states;
    return this.lines.slice(Math.max(0, first - 2), (states.at(-1) ?? 0) + 2);
  }

  private statesWithin({ beginMs, endMs }: Claim): number[] {
    const states: number[] = [];
    for (let k = 0; k <= this.lines.length; k += 1) {
      const from = this.fromMs[k] ?? -Infinity;
      if (from <= endMs && (this.untilMs[k] ?? Infinity) >= beginMs) states.push(k);
    }
    return states;
  }
}
