/**
 * STOCKADE_SERVICES_SKIP hides ways of a machine, so that tests can show that a bare machine is enough: a list,
 * separated by commas, of `docker`, `machine` (mysqld and redis-server), `packages` and `mariadb`.
 */
import { ServiceError } from './service-errors.js';

export type Way = 'docker' | 'machine' | 'packages' | 'mariadb';

const WAYS: readonly string[] = ['docker', 'machine', 'packages', 'mariadb'] satisfies Way[];

/** @throws ServiceError */
export function readSkippedWays(env: NodeJS.ProcessEnv): ReadonlySet<string> {
  const words = (env.STOCKADE_SERVICES_SKIP ?? '').split(',').map((word) => word.trim());
  const given = words.filter((word) => word !== '');
  const unknown = given.find((word) => !WAYS.includes(word));
  if (unknown !== undefined) {
    throw new ServiceError(
      `STOCKADE_SERVICES_SKIP knows ${WAYS.join(', ')}, separated by commas; it says "${unknown}".`,
    );
  }
  return new Set(given);
}
