/**
 * Baskets are writes of several products. They ask for their turns beside the lanes, so many baskets of one principal
 * would stand in a product's queue before everything else that wants the product. A gate for each principal and product
 * lets a few of them ask at once; the others wait here, in the order of their arrival.
 *
 * A basket goes through the gates of its products in byte order, as it takes their turns, so baskets cannot deadlock.
 */
import type { Clock } from '../../time/clock.js';
import type { Deadline } from '../../time/deadline.js';

/** Enough that the next basket already stands in the product's queue when one ends. */
const INSIDE_MAX = 4;

interface Gate {
  inside: number;
  readonly waiting: Set<() => void>;
}

export class BasketGates {
  private readonly gates = new Map<string, Gate>();

  constructor(private readonly clock: Clock) {}

  /**
   * @param scope one for each principal.
   * @returns the work's result, or 'TIMED_OUT' where the wait ended before the gates had opened.
   */
  async through<T>(
    scope: string,
    productIds: readonly string[],
    wait: Deadline,
    work: () => Promise<T>,
  ): Promise<T | 'TIMED_OUT'> {
    const entered: string[] = [];
    try {
      for (const productId of productIds) {
        // '/' is in no product's id.
        const key = `${productId}/${scope}`;
        const admitted = this.enter(key, wait);
        if (admitted !== true && !(await admitted)) return 'TIMED_OUT';
        entered.push(key);
      }
      return await work();
    } finally {
      for (const key of entered) this.leave(key);
    }
  }

  private enter(key: string, wait: Deadline): Promise<boolean> | true {
    let gate = this.gates.get(key);
    if (!gate) {
      gate = { inside: 0, waiting: new Set() };
      this.gates.set(key, gate);
    }
    if (gate.inside < INSIDE_MAX) {
      gate.inside += 1;
      return true;
    }
    const { waiting } = gate;
    return new Promise((resolve) => {
      const admit = () => {
        timer.cancel();
        resolve(true);
      };
      const timer = this.clock.after(Math.ceil(wait.leftMs), () => {
        waiting.delete(admit);
        resolve(false);
      });
      waiting.add(admit);
    });
  }

  private leave(key: string): void {
    const gate = this.gates.get(key);
    if (!gate) return;
    const [next] = gate.waiting;
    if (next) {
      gate.waiting.delete(next);
      next();
      return;
    }
    gate.inside -= 1;
    if (gate.inside === 0) this.gates.delete(key);
  }
}
