/** The store in memory keeps the contract of the store on MySQL. Needs no services. */
import { levelKey } from '../../src/inventory/stock.js';
import { MemoryDatabase } from '../../src/simulation/memory-database.js';
import { MemoryStockStore } from '../../src/simulation/memory-stock-store.js';
import type { CommitFate } from '../../src/simulation/transaction-faults.js';
import { systemClock, systemRandom } from '../../src/time/clock.js';
import { archivedContract } from '../support/archived-contract.js';
import { delegatedWritesContract } from '../support/delegated-writes-contract.js';
import { heldUnitsContract } from '../support/held-units-contract.js';
import {
  HELD_UNITS_MAX,
  stockStoreContract,
  type StockStoreBed,
} from '../support/stock-store-contract.js';

function openBed(): Promise<StockStoreBed> {
  let todayMs = 0;
  const clock = {
    ...systemClock,
    today: () => new Date(systemClock.today().getTime() + todayMs),
  };
  const database = new MemoryDatabase(clock);
  const fates: CommitFate[] = [];
  const settings = {
    clock,
    random: systemRandom,
    lockWaitMs: 200,
    faults: {
      // Lets other transactions take their steps in between.
      before: () => new Promise<void>((resolve) => setImmediate(resolve)),
      commit: (): CommitFate => fates.shift() ?? { answer: 'OK' },
    },
  };
  const store = new MemoryStockStore(database, settings);
  const newBounded = () =>
    new MemoryStockStore(database, { ...settings, heldUnitsMax: HELD_UNITS_MAX });
  const bed: StockStoreBed = {
    store,
    bounded: [newBounded(), newBounded()],
    createProduct: (id, quantity) => {
      database.createProduct(id, quantity);
      return Promise.resolve();
    },
    createLocation: (id) => {
      database.locations.add(id);
      return Promise.resolve();
    },
    setArchived: (productId, archived) => database.setArchived(productId, archived),
    level: (productId, locationId) => {
      const level = database.levels.get(levelKey({ productId, locationId }));
      return Promise.resolve(level ? { onHand: level.onHand, reserved: level.reserved } : null);
    },
    ledger: (productId) =>
      Promise.resolve(
        database.ledger
          .filter((line) => line.productId === productId && line.locationId === 'default')
          .map((line) => ({ ...line, fencingToken: line.fencingToken?.toString() ?? null })),
      ),
    reservation: (id) => database.reservationById(id),
    passTime: (seconds) => {
      todayMs += seconds * 1_000;
      return Promise.resolve();
    },
    expireAnswers: () => {
      database.expireAnswers(86_400_000);
      return Promise.resolve();
    },
    loseNextCommit: (how) => {
      fates.push({ answer: 'LOST', applied: how === 'APPLIED', afterMs: 20 });
    },
    holdLevel: async (productId) => {
      const stranger = database.begin();
      await stranger.lock([`level/${levelKey({ productId, locationId: 'default' })}`], 0);
      return () => {
        stranger.rollback();
        return Promise.resolve();
      };
    },
    problems: () => Promise.resolve(database.problems()),
    close: () => Promise.resolve(),
  };
  return Promise.resolve(bed);
}

stockStoreContract(openBed);

describe('writes that processes hand to each other', () => {
  delegatedWritesContract(openBed);
});

describe('what one principal may hold', () => {
  heldUnitsContract(openBed);
});

describe('products that are out of sale', () => {
  archivedContract(openBed);
});
