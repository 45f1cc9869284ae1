/** Collects what goes to one process through one server in a turn of the event loop, to be one message. */
import type { Clock } from '../../time/clock.js';

/** Bounds the size of a message: a line takes some hundred bytes. */
const ITEMS_MAX = 1_000;

interface Bundle<T> {
  readonly productId: string;
  readonly items: T[];
}

export class Outbox<T> {
  private readonly waiting = new Map<string, Map<string, Bundle<T>>>();

  constructor(
    private readonly clock: Clock,
    private readonly routeOf: (productId: string) => string,
    /** Called with the product of one of the items: its lock's server is the one for all of them. */
    private readonly send: (to: string, productId: string, items: readonly T[]) => void,
  ) {}

  add(to: string, productId: string, item: T): void {
    if (this.waiting.size === 0) {
      this.clock.soon(() => {
        this.flush();
      });
    }
    let ofProcess = this.waiting.get(to);
    if (!ofProcess) {
      ofProcess = new Map();
      this.waiting.set(to, ofProcess);
    }
    const route = this.routeOf(productId);
    const bundle = ofProcess.get(route);
    if (bundle) bundle.items.push(item);
    else ofProcess.set(route, { productId, items: [item] });
  }

  private flush(): void {
    const all = [...this.waiting];
    this.waiting.clear();
    for (const [to, ofProcess] of all) {
      for (const { productId, items } of ofProcess.values()) {
        for (let from = 0; from < items.length; from += ITEMS_MAX) {
          this.send(to, productId, items.slice(from, from + ITEMS_MAX));
        }
      }
    }
  }
}
