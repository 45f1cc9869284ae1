/**
 * This server's part of the fleet: once a second it reports what it is doing, and at a query it reads what all have
 * reported. While Redis is away, and where there is none, it knows itself alone.
 */
import type { LaneLoad } from '../inventory/lanes/lane.js';
import type { Clock, Timer } from '../time/clock.js';
import { viewOf, type FleetView, type HeardReport } from './fleet-view.js';
import type { ReportBoard } from './report-board.js';
import {
  PRODUCTS_MAX,
  type ReportedState,
  type ReportSeal,
  type ServerReport,
} from './server-report.js';
import type { Traffic } from './traffic.js';

const INTERVAL_MS = 1_000;
/** Queries within this time share one reading. */
const READ_PAUSE_MS = 250;

/** What the parts of this server tell when they are asked. */
export interface ServerNow {
  readonly state: ReportedState;
  readonly mysql: string | null;
  readonly mysqlServer: string | null;
  readonly redis: readonly string[];
  readonly lock: ServerReport['lock'];
  readonly warnings: ServerReport['warnings'];
  /** Lines that were answered by other processes since the start. */
  readonly delegated: number;
  readonly queuedLines: number;
  readonly lanes: readonly LaneLoad[];
}

export interface FleetParts {
  readonly server: ServerReport['server'];
  readonly traffic: Traffic;
  /** Null without a Redis. */
  readonly board: ReportBoard | null;
  readonly seal: ReportSeal;
  readonly now: () => ServerNow;
  readonly clock: Clock;
}

export class Fleet {
  private own: ServerReport;
  private timer: Timer | null = null;
  private delegatedBefore = 0;
  private reportedMs: number;
  private reading: { readonly beganMs: number; readonly view: Promise<FleetView> } | null = null;

  constructor(private readonly parts: FleetParts) {
    this.reportedMs = parts.clock.nowMs();
    this.own = this.report(parts.now());
  }

  start(): void {
    this.parts.board?.start();
    this.wait();
  }

  /** Takes the report of this server away. */
  async stop(): Promise<void> {
    this.timer?.cancel();
    await this.parts.board?.stop(this.parts.server.id);
  }

  /** Of the whole fleet, at most a second old. */
  view(): Promise<FleetView> {
    const nowMs = this.parts.clock.nowMs();
    if (!this.reading || nowMs - this.reading.beganMs >= READ_PAUSE_MS) {
      this.reading = { beganMs: nowMs, view: this.read() };
    }
    return this.reading.view;
  }

  private wait(): void {
    this.timer = this.parts.clock.after(INTERVAL_MS, () => {
      const { traffic, board, seal, server, now } = this.parts;
      const current = now();
      traffic.closeSpan(current.queuedLines);
      this.own = this.report(current);
      void board?.post(server.id, seal.seal(this.own));
      this.wait();
    });
  }

  private report({ lanes, delegated, ...state }: ServerNow): ServerReport {
    const { server, traffic, clock } = this.parts;
    const { products, ...recent } = traffic.recent(PRODUCTS_MAX);
    const seconds = Math.max(1, clock.nowMs() - this.reportedMs) / 1_000;
    const delegatedPerSecond = (delegated - this.delegatedBefore) / seconds;
    this.delegatedBefore = delegated;
    this.reportedMs = clock.nowMs();
    return {
      ...{ server, ...state, redis: [...state.redis], ...recent, rates: [...recent.rates] },
      delegatedPerSecond,
      products: withLanes(products, lanes),
      moments: [...traffic.moments],
    };
  }

  private async read(): Promise<FleetView> {
    const { board, seal, server, clock } = this.parts;
    const posted = board ? await board.read() : [];
    const others = (posted ?? []).flatMap(({ id, silentMs, sealed }): readonly HeardReport[] => {
      const report = id === server.id ? null : seal.open(sealed);
      return report?.server.id === id ? [{ report, silentMs }] : [];
    });
    return viewOf([{ report: this.own, silentMs: 0 }, ...others], clock.today(), posted !== null);
  }
}

/** The products with most lines a second, and the ones with the longest queues. */
function withLanes(
  products: ReturnType<Traffic['recent']>['products'],
  lanes: ServerNow['lanes'],
): ServerReport['products'] {
  const loads = new Map(lanes.map((load) => [load.productId, load]));
  const asked = new Set(products.map(({ productId }) => productId));
  const quiet = lanes
    .filter(({ productId, queuedLines }) => queuedLines > 0 && !asked.has(productId))
    .sort((a, b) => b.queuedLines - a.queuedLines)
    .slice(0, PRODUCTS_MAX)
    .map((load) => ({ ...load, linesPerSecond: 0, unitsPerSecond: 0 }));
  return [
    ...products.map((product) => {
      const { queuedLines = 0, ownerId = null } = loads.get(product.productId) ?? {};
      return { ...product, queuedLines, ownerId };
    }),
    ...quiet,
  ];
}
