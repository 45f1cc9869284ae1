/**
 * A simulation: rounds one after another, each with the next seed, until so many minutes have been simulated or a check
 * has failed.
 */
import { Counts } from './counts.js';
import type { Seams } from './fleet.js';
import { runRound, type RoundReport } from './round.js';

export interface SimulationSettings {
  /** Of the first round; the next ones count on from it. */
  readonly seed: number;
  /** The least simulated time, in minutes. */
  readonly minutes: number;
  /** Called after each round. */
  readonly onProgress?: ((progress: SimulationProgress) => void) | undefined;
  /** For mutants: tests of the simulation itself. */
  readonly seams?: Seams | undefined;
  /** Whether a failing round is made shorter, for its story. */
  readonly shortens?: boolean;
}

export interface SimulationProgress {
  readonly rounds: number;
  readonly minutes: number;
}

export interface SimulationReport extends SimulationProgress {
  readonly seed: number;
  readonly events: number;
  /** How often each fault happened. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often calls and their lines ended in each way. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Equal in two runs of the same settings. */
  readonly traceHash: string;
  readonly failure: SimulationFailure | null;
}

export interface SimulationFailure {
  /** Running this seed for one minute finds the failure again. */
  readonly seed: number;
  readonly stockLock: string;
  /** What was wrong, in sentences; each ends with the history of what it is about. */
  readonly wrong: readonly string[];
  /** What happened, with the faults and clients left out that the failure does not need. */
  readonly story: readonly string[];
}

/** Runs until a check fails or the minutes are over. Rejects only for a mistake in the simulation itself. */
export async function runSimulation(settings: SimulationSettings): Promise<SimulationReport> {
  const { seed, minutes, onProgress, seams, shortens = true } = settings;
  const [faults, outcomes] = [new Counts(), new Counts()];
  let simulatedMs = 0;
  let events = 0;
  let failure: SimulationFailure | null = null;
  const hashes: string[] = [];
  let rounds = 0;
  for (; failure === null && simulatedMs < minutes * 60_000; rounds += 1) {
    const round = await runRound(seed + rounds, seams);
    simulatedMs += round.simulatedMs;
    events += round.events;
    hashes.push(round.traceHash);
    faults.addAll(round.faults);
    outcomes.addAll(round.outcomes);
    if (round.wrong.length > 0) {
      const { wrong, story } = shortens ? await shorten(round, seams) : round;
      failure = { seed: round.seed, stockLock: round.stockLock, wrong, story };
    }
    onProgress?.({ rounds: rounds + 1, minutes: simulatedMs / 60_000 });
  }
  return {
    seed,
    rounds,
    minutes: simulatedMs / 60_000,
    events,
    faults: faults.toObject(),
    outcomes: outcomes.toObject(),
    traceHash: hashes.reduce(mix, 0).toString(16).padStart(8, '0'),
    failure,
  };
}

/** How often a failing round is run again to make it shorter. */
const SHORTENINGS_MAX = 60;

/** Leaves out one fault or client after another, as long as the round still fails. */
async function shorten(failed: RoundReport, seams?: Seams): Promise<RoundReport> {
  let shortest = failed;
  const omitted = new Set<string>();
  for (const part of failed.parts.slice(0, SHORTENINGS_MAX)) {
    const without = new Set([...omitted, part]);
    const shorter = await runRound(failed.seed, seams, without);
    if (shorter.wrong.length === 0) continue;
    omitted.add(part);
    shortest = shorter;
  }
  return shortest;
}

function mix(hash: number, next: string): number {
  return Math.imul(hash ^ Number.parseInt(next, 16), 0x01000193) >>> 0;
}
