/**
 * The ways to MySQL's program: this machine's, or the distribution's packages. What is started from it may turn out to
 * be impossible, and then the next way is tried.
 */
import { unpackMysql } from './debian-packages.js';
import { findMysqld, type Program } from './machine-programs.js';
import { ServiceError, WayUnavailable } from './service-errors.js';
import { readSkippedWays } from './skipped-ways.js';
import { chooseWay, type Attempt } from './way-choice.js';

export interface WaySearch {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export function readSearch(options: {
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly log?: ((line: string) => void) | undefined;
}): WaySearch {
  return {
    env: options.env ?? process.env,
    signal: options.signal ?? new AbortController().signal,
    log: options.log ?? (() => undefined),
  };
}

export function mysqlWays<T>(
  search: WaySearch,
  start: (program: Program) => Promise<T>,
): Attempt<T>[] {
  return [
    {
      way: 'machine',
      title: 'MySQL on this machine',
      run: async () => start(await findMysqld(search)),
    },
    {
      way: 'packages',
      title: "the distribution's packages",
      run: async () => start(await unpackMysql(search)),
    },
  ];
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
