/** What is known of a tried sale: it grows by the reports of the buyers' process, and is read by the schema. */
import {
  TRIAL_CODES_MAX,
  TRIAL_POINTS_MAX,
  type CodeCount,
  type SaleTrial,
  type SaleTrialLedger,
  type SaleTrialPoint,
  type SaleTrialRequest,
  type SaleTrialState,
} from '../graphql/sale-trials.js';
import { totalOf, type Counts, type SaleReport } from './sale-report.js';

const NOTHING: SaleReport = {
  atMs: 0,
  asked: 0,
  sold: 0,
  refused: {},
  failed: {},
  lastAnswerMs: null,
  latencies: null,
};

export class TrialProgress {
  private state: SaleTrialState = 'STARTING';
  private latest = NOTHING;
  private points: SaleTrialPoint[] = [];
  private spacing = 1;
  private reports = 0;
  private ledger: SaleTrialLedger | null = null;
  private problem: string | null = null;

  constructor(
    readonly id: string,
    readonly request: SaleTrialRequest,
  ) {}

  get productId(): string {
    return `trial-${this.id}`;
  }

  get isOver(): boolean {
    return this.state === 'DONE' || this.state === 'STOPPED' || this.state === 'FAILED';
  }

  get report(): SaleReport {
    return this.latest;
  }

  enter(state: 'SELLING' | 'CHECKING'): void {
    if (!this.isOver) this.state = state;
  }

  add(report: SaleReport): void {
    if (this.isOver) return;
    this.latest = report;
    const isLast = report.latencies !== null;
    if (this.reports % this.spacing === 0 || isLast) {
      // Every second point goes, so that the history of a long sale stays as short as it is.
      if (this.points.length >= TRIAL_POINTS_MAX) {
        this.points = this.points.filter((_, i) => i % 2 === 0);
        this.spacing *= 2;
      }
      this.points.push(pointOf(report));
    }
    this.reports += 1;
  }

  verified(ledger: SaleTrialLedger): void {
    if (this.isOver) return;
    this.ledger = ledger;
    this.state = 'DONE';
  }

  end(state: 'STOPPED' | 'FAILED', problem: string | null): void {
    if (this.isOver) return;
    this.state = state;
    this.problem = problem;
  }

  snapshot(): SaleTrial {
    const { id, productId, state, request, latest, points, ledger, problem } = this;
    const { asked, sold, refused, failed, lastAnswerMs, latencies } = latest;
    return {
      ...request,
      ...{ id, productId, state, asked, sold, lastAnswerMs, ledger, problem },
      refused: listOf(refused),
      failed: listOf(failed),
      waiting: waitingOf(latest),
      p50Ms: latencies?.p50Ms ?? null,
      p99Ms: latencies?.p99Ms ?? null,
      history: [...points],
    };
  }
}

function pointOf(report: SaleReport): SaleTrialPoint {
  const { atMs, asked, sold } = report;
  return {
    ...{ atMs, asked, sold },
    refused: totalOf(report.refused),
    failed: totalOf(report.failed),
    waiting: waitingOf(report),
  };
}

function waitingOf({ asked, sold, refused, failed }: SaleReport): number {
  return asked - sold - totalOf(refused) - totalOf(failed);
}

/** The most frequent first. */
function listOf(counts: Counts): readonly CodeCount[] {
  const all = Object.entries(counts).map(([code, count]) => ({ code, count }));
  all.sort((a, b) => b.count - a.count);
  const rest = all.splice(TRIAL_CODES_MAX);
  const last = all.at(-1);
  if (!last || rest.length === 0) return all;
  const count = rest.reduce((sum, each) => sum + each.count, last.count);
  return [...all.slice(0, -1), { code: last.code, count }];
}
