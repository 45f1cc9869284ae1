/** The faults of the simulated database: slow steps, failed steps, COMMITs without an answer. */
import type { Counts } from './counts.js';
import {
  ConnectionLostError,
  type CommitFate,
  type TransactionFaults,
} from './transaction-faults.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedProcess } from './simulated-process.js';

/** The longest duration of a step without faults, in milliseconds. */
export const STEP_MAX_MS = 2;

export class DatabaseWeather {
  isAway = false;
  stepMaxMs = STEP_MAX_MS;
  /** The share of steps that lose the connection. */
  failShare = 0;
  /** The share of COMMITs without an answer. */
  lostCommitShare = 0;
  /** Processes whose way to the database swallows everything, and when a silent session of theirs ends. */
  private readonly holes = new Map<SimulatedProcess, number>();

  constructor(
    private readonly random: SeededRandom,
    private readonly counts: Counts,
  ) {}

  /** From now on neither side hears of the other one. @param silenceMaxMs after which a session ends. */
  openHole(process: SimulatedProcess, silenceMaxMs: number): void {
    this.counts.add('database: black hole');
    this.holes.set(process, silenceMaxMs);
  }

  closeHole(process: SimulatedProcess): void {
    this.holes.delete(process);
  }

  /** Ends all faults. */
  heal(): void {
    this.isAway = false;
    this.stepMaxMs = STEP_MAX_MS;
    this.failShare = 0;
    this.lostCommitShare = 0;
    this.holes.clear();
  }

  /** The faults of one process's connections to the database. */
  faultsOf(process: SimulatedProcess): TransactionFaults {
    return {
      before: (step) => this.before(process, step),
      commit: () => this.commitFate(),
    };
  }

  private before(process: SimulatedProcess, step: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        this.counts.add(`database: ${why}`);
        reject(new ConnectionLostError());
      };
      // The server rolls back transactions of a dead process.
      if (!process.isAlive) {
        reject(new ConnectionLostError());
        return;
      }
      const forget = process.onDeath(() => {
        this.counts.add('database: transaction of a killed process rolled back');
        reject(new ConnectionLostError());
      });
      process.after(this.random.next() * this.stepMaxMs, `database ${step}`, () => {
        const silenceMaxMs = this.holes.get(process);
        if (silenceMaxMs !== undefined) {
          process.after(silenceMaxMs, 'session ends', () => {
            forget();
            fail('silent session ended');
          });
          return;
        }
        forget();
        if (this.isAway) fail('step failed while it was away');
        else if (this.random.chance(this.failShare)) fail(`connection lost before ${step}`);
        else resolve();
      });
    });
  }

  private commitFate(): CommitFate {
    if (!this.random.chance(this.lostCommitShare)) return { answer: 'OK' };
    const applied = this.random.chance(0.6);
    this.counts.add(`database: COMMIT not answered, ${applied ? 'applied' : 'rolled back'}`);
    return {
      answer: 'LOST',
      applied,
      afterMs: this.random.chance(0.5) ? 0 : this.random.next() * 50,
    };
  }
}
