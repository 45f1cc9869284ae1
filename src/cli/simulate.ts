/** `stockade simulate`: seeded rounds of the lanes, locks and stores on simulated time, each checked. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Seams } from '../simulation/fleet.js';
import { addCommand } from './add-command.js';
import { EXIT } from './exit-codes.js';
import { shown } from './progress.js';

const MINUTES_DEFAULT = 60;
const SEED_MAX = 2 ** 31 - 1;
const PROGRESS_EVERY_MS = 1_000;

interface SimulateOptions {
  readonly seed?: number;
  readonly minutes: number;
}

export function addSimulate(program: Command): void {
  addCommand(program, {
    usage: 'simulate',
    summary: 'check the guarantees on simulated time, with seeded faults',
    description:
      'Runs the lanes, locks and clients of many processes on simulated time, with faults that the seed ' +
      'chooses, and checks the guarantees after each round. The same seed and minutes give the same run. ' +
      'Needs neither MySQL nor Redis.',
    exitCodes: {
      [EXIT.done]: 'all checks held',
      [EXIT.failed]: 'a check failed; the seed that shows it is printed',
    },
  })
    .option('--seed <number>', 'seed of the first round (default: a random one)', toSeed)
    .option('--minutes <number>', 'simulated minutes', toMinutes, MINUTES_DEFAULT)
    .action(async (options: SimulateOptions) => {
      const seed = options.seed ?? Math.floor(Math.random() * 1_000_000_000);
      process.exitCode = await simulate(seed, options.minutes);
    });
}

/** Runs it and prints what it found. The seams are for tests. Resolves with the exit code. */
export async function simulate(seed: number, minutes: number, seams?: Seams): Promise<number> {
  const { runSimulation } = await import('../simulation/run.js');
  console.log(`Seed ${seed}, ${minutes} simulated minutes.`);
  let printedMs = performance.now();
  const report = await runSimulation({
    seed,
    minutes,
    seams,
    onProgress: (progress) => {
      const nowMs = performance.now();
      if (nowMs - printedMs < PROGRESS_EVERY_MS) return;
      printedMs = nowMs;
      console.error(`${shown(Math.floor(progress.minutes))} minutes, ${progress.rounds} rounds`);
    },
  });
  const { failure } = report;
  if (failure) {
    for (const line of failure.story) console.error(line);
    for (const line of failure.wrong) console.error(`WRONG ${line}`);
    console.error(`Seed ${failure.seed} fails (STOCK_LOCK=${failure.stockLock}). To run it again:`);
    console.error(`npm run simulate -- --seed ${failure.seed} --minutes 1`);
    return EXIT.failed;
  }
  const ran = `${shown(Math.floor(report.minutes))} minutes, ${report.rounds} rounds`;
  console.log(`  OK: ${ran}, ${shown(report.events)} events, trace ${report.traceHash}.`);
  console.log(`  Faults: ${listOf(report.faults)}`);
  console.log(`  Outcomes: ${listOf(report.outcomes)}`);
  return EXIT.done;
}

function listOf(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${shown(count)}`);
  return parts.join(', ');
}

function toSeed(text: string): number {
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed <= SEED_MAX) return seed;
  throw new InvalidArgumentError(`Must be an integer between 0 and ${SEED_MAX}.`);
}

function toMinutes(text: string): number {
  const minutes = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && minutes > 0) return minutes;
  throw new InvalidArgumentError('Must be a number greater than 0.');
}
