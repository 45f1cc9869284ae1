/** What a process measures of its own work: one object for the composition root. */
import { TransactionCounts } from './database/writing/transaction-counts.js';
import type { Measures } from './inventory/measures.js';
import type { TimeOuts } from './inventory/time-outs.js';
import type { WriteHealth } from './inventory/write-health.js';
import { LineMetrics } from './metrics/line-metrics.js';
import { OperationMetrics } from './metrics/operation-metrics.js';
import { RequestMetrics } from './metrics/request-metrics.js';

export class Measuring {
  readonly operations = new OperationMetrics();
  readonly lines = new LineMetrics();
  readonly requests = new RequestMetrics();
  readonly transactions = new TransactionCounts();

  /** For the page of metrics. */
  get sources(): Pick<this, 'operations' | 'lines' | 'requests' | 'transactions'> {
    const { operations, lines, requests, transactions } = this;
    return { operations, lines, requests, transactions };
  }

  /** Of turns and commits, from which the time-outs are derived as well. */
  measuresFor(
    times: TimeOuts,
    health: WriteHealth,
    traffic: { committed(commitMs: number): void },
  ): Measures {
    const { operations } = this;
    return {
      waited: (operation, waitMs) => {
        operations.waited(operation, waitMs);
        times.waited(waitMs);
      },
      held: (operation, holdMs) => {
        operations.held(operation, holdMs);
      },
      committed: (operation, commitMs, lines) => {
        operations.committed(operation, commitMs, lines);
        traffic.committed(commitMs);
        // One that was begun in an outage measures the outage.
        if (health.writableForMs > commitMs) times.committed(commitMs);
      },
    };
  }
}
