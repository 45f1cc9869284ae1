/**
 * Batches the steps of one turn of the event loop into one command, in order. A step waits until the microtasks of its
 * turn are done, no longer. Each step has its own answer or error.
 */
import { failureOf } from '../redis/failure.js';
import type { Step } from './scripts.js';
import { LIMITS } from './settings.js';

/** @returns a reply or an error for each step, in order. Rejects when the whole command failed. */
export type SendSteps = (steps: readonly Step<unknown>[]) => Promise<readonly unknown[]>;

interface QueuedStep {
  readonly step: Step<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class StepQueue {
  private queued: QueuedStep[] = [];

  constructor(private readonly send: SendSteps) {}

  /** @throws the error of Redis, unchanged. */
  run<T>(step: Step<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.queued.length === 0) {
        // After all microtasks of this turn: callers that continue together release their locks by one command.
        process.nextTick(() => {
          this.flush();
        });
      }
      this.queued.push({ step, resolve: resolve as (answer: unknown) => void, reject });
    });
  }

  private flush(): void {
    const all = this.queued;
    this.queued = [];
    // Redis serves no other client during a script, so a command is bounded.
    for (let from = 0; from < all.length; from += LIMITS.stepsMax) {
      this.sendSome(all.slice(from, from + LIMITS.stepsMax));
    }
  }

  private sendSome(some: readonly QueuedStep[]): void {
    void this.send(some.map(({ step }) => step)).then(
      (replies) => {
        some.forEach((queued, i) => {
          settle(queued, replies[i]);
        });
      },
      (error: unknown) => {
        const [first, ...others] = some;
        if (first && others.length > 0 && failureOf(error).kind === 'unusable-key') {
          // Redis checks the permissions of all keys first: each step is sent alone to find the refused one.
          for (const queued of some) this.sendSome([queued]);
          return;
        }
        for (const { reject } of some) reject(error);
      },
    );
  }
}

function settle({ step, resolve, reject }: QueuedStep, reply: unknown): void {
  if (reply instanceof Error) reject(reply);
  else resolve(step.read(reply));
}
