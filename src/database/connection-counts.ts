/** How the connections of one process are divided among its pools. */

/** API keys, readiness, named locks and KILL share these: each of them needs one for a few milliseconds at a time. */
export const CONTROL_CONNECTIONS = 2;

export interface ConnectionCounts {
  readonly writing: number;
  readonly control: number;
  readonly reading: number;
}

/** Each pool has one connection at least, also where `poolMax` allows fewer. */
export function connectionCounts(poolMax: number, commitsMax: number): ConnectionCounts {
  const reading = Math.max(1, poolMax - commitsMax - CONTROL_CONNECTIONS);
  return { writing: commitsMax, control: CONTROL_CONNECTIONS, reading };
}
