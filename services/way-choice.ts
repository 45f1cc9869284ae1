/**
 * Tries one way after another until one provides a server, and remembers why the others did not. Only WayUnavailable
 * goes on to the next way; any other error, such as an abort or a defect, ends the search.
 */
import { WayUnavailable } from './service-errors.js';
import type { Way } from './skipped-ways.js';

export interface Attempt<T> {
  readonly way: Way;
  readonly title: string;
  readonly run: () => Promise<T>;
}

export interface Choice<T> {
  readonly made: T;
  /** Clauses, in the order of the ways that were unavailable. */
  readonly passedOver: readonly string[];
}

/** @throws WayUnavailable with all reasons, where no way is left. */
export async function chooseWay<T>(
  attempts: readonly Attempt<T>[],
  skipped: ReadonlySet<string>,
): Promise<Choice<T>> {
  const passedOver: string[] = [];
  for (const { way, title, run } of attempts) {
    if (skipped.has(way)) {
      passedOver.push(`STOCKADE_SERVICES_SKIP hides ${title}`);
      continue;
    }
    try {
      return { made: await run(), passedOver };
    } catch (error) {
      if (!(error instanceof WayUnavailable)) throw error;
      passedOver.push(error.message);
    }
  }
  throw new WayUnavailable(passedOver.join('; '));
}
