/**
 * Tries one way after another until one provides a server, and remembers why the others did not. Only WayUnavailable
 * goes on to the next way; any other error, such as an abort or a defect, ends the search.
 */
import { ServiceError, WayUnavailable } from './service-errors.js';
import { readSkippedWays, type Way } from './skipped-ways.js';

/** What every start of a private server takes. */
export interface SearchOptions {
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

export interface WaySearch {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export function readSearch(options: SearchOptions): WaySearch {
  return {
    env: options.env ?? process.env,
    signal: options.signal ?? new AbortController().signal,
    log: options.log ?? (() => undefined),
  };
}

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

/** @throws ServiceError with what is missing and what to install, or the signal's reason. */
export async function takeFirstWay<T>(
  ways: readonly Attempt<T>[],
  search: WaySearch,
  words: { readonly what: string; readonly install?: string },
): Promise<T> {
  try {
    return (await chooseWay(ways, readSkippedWays(search.env))).made;
  } catch (error) {
    if (!(error instanceof WayUnavailable)) throw error;
    const install = words.install === undefined ? '' : ` ${words.install}`;
    const sentence = `No ${words.what} can be started: ${error.message}.${install}`;
    throw new ServiceError(sentence, { cause: error });
  }
}
