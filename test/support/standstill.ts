/**
 * Whether work stops the event loop of this process. A loop that is stopped by our code uses the CPU meanwhile; where
 * the machine runs other programs, or nothing, the loop is late as well and has used none.
 */
import { heldOnce } from './held-once.js';

/** Generous: the test's clients and other tests run on the same cores. */
const STANDSTILL_MAX_MS = 1_000;
const TICK_MS = 10;
const TRIES = 3;

/** Runs the work, again where the event loop stood still. @returns whether it never did in one of the runs. */
export function neverStandsStill(work: () => Promise<void>): Promise<boolean> {
  return heldOnce(TRIES, async () => (await longestStandstillMs(work)) < STANDSTILL_MAX_MS);
}

/** The longest time between two ticks, of which the CPU's time counts alone. */
async function longestStandstillMs(work: () => Promise<void>): Promise<number> {
  let longestMs = 0;
  let lastMs = performance.now();
  let lastCpu = process.cpuUsage();
  const tick = () => {
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage(lastCpu);
    // Other threads of the process, as the one that collects garbage, use the CPU without stopping the loop.
    longestMs = Math.max(longestMs, Math.min(nowMs - lastMs, (user + system) / 1_000));
    lastMs = nowMs;
    lastCpu = process.cpuUsage();
  };
  const ticking = setInterval(tick, TICK_MS);
  try {
    await work();
  } finally {
    clearInterval(ticking);
  }
  tick();
  return longestMs;
}
