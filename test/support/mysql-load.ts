/** One deduction after another, at a fixed pace, with a read beside each: what a switch of the primary looks like. */
import { longestGapMs } from '../../bench/failover/timeline.js';
import { ProductDocument } from '../generated/operations.js';
import { send } from './graphql-client.js';
import { callStock, deduction, type Answer } from './stock-calls.js';

export interface Outcome {
  readonly atMs: number;
  /** APPLIED, or the code of the refusal. */
  readonly write: string;
  readonly read: string;
}

export interface Load {
  readonly outcomes: readonly Outcome[];
  /** Units that were certainly taken. */
  readonly taken: () => number;
  stop(): Promise<void>;
}

const PACE_MS = 100;

export function startLoad(graphqlUrl: string, productId: string): Load {
  const outcomes: Outcome[] = [];
  const under = new Set<Promise<void>>();
  let number = 0;
  const begin = () => {
    number += 1;
    const call = ask(graphqlUrl, productId, number).then((outcome) => {
      outcomes.push(outcome);
      under.delete(call);
    });
    under.add(call);
  };
  const timer = setInterval(begin, PACE_MS);
  return {
    outcomes,
    taken: () => outcomes.filter(({ write }) => write === 'APPLIED').length,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(under);
    },
  };
}

async function ask(graphqlUrl: string, id: string, number: number): Promise<Outcome> {
  const call = deduction({ [id]: 1 }, { idempotencyKey: `load-${id}-${number}` });
  const [written, read] = await Promise.all([
    callStock(graphqlUrl, call),
    send(graphqlUrl, ProductDocument, { id }),
  ]);
  const fault = read.errors?.[0]?.extensions?.code;
  return {
    atMs: performance.now(),
    write: outcomeOf(written),
    read: typeof fault === 'string' ? fault : 'READ',
  };
}

function outcomeOf(answer: Answer): string {
  if (answer.kind !== 'ANSWERED') return answer.kind === 'FAULT' ? answer.code : 'UNKNOWN';
  const [line] = answer.lines;
  return line?.outcome === 'REFUSED' ? line.code : (line?.outcome ?? 'NOTHING');
}

/** The longest time without a deduction that succeeded, from that moment on, in milliseconds. */
export function outageMs(outcomes: readonly Outcome[], sinceMs: number): number {
  const applied = outcomes.filter(({ write }) => write === 'APPLIED').map(({ atMs }) => atMs);
  return longestGapMs(applied, sinceMs);
}
