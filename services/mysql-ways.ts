/** The ways to MySQL's program: this machine's, or the distribution's packages. */
import { unpackMysql } from './debian-packages.js';
import { findMysqld, type Program } from './machine-programs.js';
import type { Attempt, WaySearch } from './way-choice.js';

/** What is started from a program may turn out to be impossible, and then the next way is tried. */
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
