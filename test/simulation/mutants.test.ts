/**
 * Does the simulation reach the faults that matter? Each mutant puts one bug into a part of the world; the simulation
 * must find it. What it does not find, its generator does not reach.
 */
import { jest } from '@jest/globals';
import { EXIT } from '../../src/cli/exit-codes.js';
import { simulate } from '../../src/cli/simulate.js';
import type { StockLine, StockWrite } from '../../src/inventory/stock.js';
import type { ApplyOptions, StockStore, WriteResult } from '../../src/inventory/stock-store.js';
import { levelKey } from '../../src/inventory/stock.js';
import type { Seams } from '../../src/simulation/fleet.js';
import {
  LockScriptModel,
  type ModelData,
  type ModelServer,
  type ScriptSettings,
} from '../../src/simulation/lock-script-model.js';
import { MemoryDatabase, MemoryTransaction } from '../../src/simulation/memory-database.js';
import { MemoryStockStore } from '../../src/simulation/memory-stock-store.js';
import type { Claim } from '../../src/simulation/memory-store-parts.js';
import { runSimulation } from '../../src/simulation/run.js';

/** The version's comparison is left out: a stale read is written. */
class StaleWrites extends MemoryStockStore {
  protected override isStillAsRead(): boolean {
    return true;
  }
}

/** After a COMMIT without an answer the transaction is run again, and nothing looks for its traces. */
class NeverSettles extends MemoryStockStore {
  protected override withTraces(claim: Claim): Claim {
    return claim;
  }
}

/** The answer is given when COMMIT is sent, and not when it has returned. */
class AnswersBeforeCommit extends MemoryDatabase {
  override begin(): MemoryTransaction {
    const transaction = super.begin();
    const commit = transaction.commit.bind(transaction);
    transaction.commit = () => void this.clock.after(5, commit);
    return transaction;
  }
}

/** Refuses by the level that it remembers from its own last commit, which it does not read again. */
class RefusesFromMemory implements StockStore {
  private readonly remembered = new Map<string, number>();

  constructor(private readonly store: StockStore) {}

  async apply(
    writes: readonly StockWrite[],
    options: ApplyOptions,
  ): Promise<readonly WriteResult[]> {
    const isTooMuch = (line: StockLine) =>
      line.change.type === 'TAKE' &&
      line.quantity > (this.remembered.get(levelKey(line)) ?? Infinity);
    const refused = writes.map((write) => {
      const [line, ...others] = write.lines;
      return line && others.length === 0 && isTooMuch(line) ? line : null;
    });
    const open = writes.filter((_, i) => !refused[i]);
    const results = open.length > 0 ? [...(await this.store.apply(open, options))] : [];
    open.forEach(({ lines }, i) => {
      const result = results[i];
      if (result?.outcome !== 'DECIDED') return;
      result.verdicts.forEach((verdict, at) => {
        const line = lines[at];
        if (!line || verdict.outcome !== 'APPLIED' || verdict.movementId === null) return;
        this.remembered.set(levelKey(line), verdict.remaining);
      });
    });
    return writes.map((_, i) => {
      const line = refused[i];
      const result = line ? this.refusal(line) : results.shift();
      if (!result) throw new Error('The store gave no result for a write.');
      return result;
    });
  }

  private refusal(line: StockLine): WriteResult {
    const available = this.remembered.get(levelKey(line)) ?? 0;
    const failure = { code: 'INSUFFICIENT_STOCK', requested: line.quantity, available } as const;
    return { outcome: 'DECIDED', verdicts: [{ outcome: 'REFUSED', failure, replayed: false }] };
  }
}

/** A release takes the lock from any ticket that has it. */
class ReleasesAnyTicket extends LockScriptModel {
  override isHeldBy(holder: string | null): boolean {
    return holder !== null;
  }

  override renew(keys: readonly string[], tickets: readonly string[]): readonly number[] {
    const model = new LockScriptModel(this.data, this.server, this.settings);
    return model.renew(keys, tickets);
  }
}

/** A lock that was handed to a process stays its own for ever, also where that process is dead or stopped. */
function handsOverForEver(data: ModelData, server: ModelServer, settings: ScriptSettings) {
  return new LockScriptModel(data, server, { ...settings, claimTtlMs: 1e9 });
}

/** Each with the seed to begin with, one of the first that show it. */
const MUTANTS: readonly (readonly [string, Seams, RegExp, seed: number])[] = [
  [
    'a level is written although it is not as it was read',
    { newStore: (database, settings) => new StaleWrites(database, settings) },
    /bad line|ledger ends at/,
    4,
  ],
  [
    'a COMMIT without an answer is repeated, not settled',
    { newStore: (database, settings) => new NeverSettles(database, settings) },
    /has a line twice|has \d+ where/,
    8,
  ],
  [
    'an answer before COMMIT has returned',
    { newDatabase: (clock) => new AnswersBeforeCommit(clock) },
    /before its COMMIT|not in the ledger/,
    1,
  ],
  [
    'a refusal from a remembered level that was not read again',
    {
      newStore: (database, settings) =>
        new RefusesFromMemory(new MemoryStockStore(database, settings)),
    },
    /refused at no moment/,
    1,
  ],
  [
    'a release that does not compare its ticket',
    { newScripts: (...parts) => new ReleasesAnyTicket(...parts) },
    /is held by/,
    8,
  ],
  [
    'a hand-over that never expires',
    { newScripts: handsOverForEver },
    /cannot serve|never settled/,
    34,
  ],
  ['a turn that is kept while nothing moves', { turnMaxMs: Infinity }, /was held up at/, 1],
];

test('a failure tells a seed that fails the same way again, within a minute of its own', async () => {
  const seams: Seams = { newStore: (database, settings) => new StaleWrites(database, settings) };
  const { failure } = await runSimulation({ seed: 1, minutes: 3_000, seams });
  if (!failure) throw new Error('The mutant was not found.');
  const again = await runSimulation({ seed: failure.seed, minutes: 1, seams });
  expect(again.failure).toEqual(failure);
});

test('the command exits with 1 at a failure, and prints its story and how to run it again', async () => {
  const seams: Seams = { newStore: (database, settings) => new StaleWrites(database, settings) };
  const printed: unknown[] = [];
  const spies = (['log', 'error'] as const).map((method) =>
    jest.spyOn(console, method).mockImplementation((line: unknown) => void printed.push(line)),
  );
  const code = await simulate(1, 3_000, seams);
  for (const spy of spies) spy.mockRestore();
  expect(code).toBe(EXIT.failed);
  const { failure } = await runSimulation({ seed: 1, minutes: 3_000, seams });
  if (!failure) throw new Error('The mutant was not found.');
  expect(printed.filter((line) => !/^[0-9,]+ minutes, /.test(String(line)))).toEqual([
    'Seed 1, 3000 simulated minutes.',
    ...failure.story,
    ...failure.wrong.map((line) => `WRONG ${line}`),
    `Seed ${failure.seed} fails (STOCK_LOCK=${failure.stockLock}). To run it again:`,
    `npm run simulate -- --seed ${failure.seed} --minutes 1`,
  ]);
});

test.each(MUTANTS)('%s: found within a minute', async (_, seams, words, seed) => {
  const report = await runSimulation({ seed, minutes: 3_000, seams, shortens: false });
  expect(report.failure?.wrong.join('\n')).toMatch(words);
});
