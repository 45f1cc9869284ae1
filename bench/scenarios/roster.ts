/** All scenarios, in the order in which they run and are reported. */
import { hot, reserve, solo, spread, sweep, zipf } from './closed-loops.js';
import { group } from './group.js';
import { httpConsole, httpHot, httpSpread, serversHot, serversSpread } from './http.js';
import { lock } from './lock.js';
import { open } from './open.js';
import { processesHot, processesSpread } from './processes.js';
import { read } from './read.js';
import { burst, claims } from './rounds.js';
import type { Scenario } from './scenario.js';
import { side } from './side.js';
import { topologies } from './topologies.js';

export const SCENARIOS: readonly Scenario[] = [
  hot,
  spread,
  zipf,
  solo,
  burst,
  claims,
  sweep,
  open,
  processesHot,
  processesSpread,
  side,
  httpHot,
  httpSpread,
  httpConsole,
  serversHot,
  serversSpread,
  group,
  lock,
  topologies,
  reserve,
  read,
];
