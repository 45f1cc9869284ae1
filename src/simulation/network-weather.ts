/** The network between the processes and Redis: fast, except for a share of messages. */
import type { SeededRandom } from './seeded-random.js';
import type { NetworkWeather } from './redis-network.js';

export class Weather implements NetworkWeather {
  /** The share of slow messages. */
  slowShare = 0;
  slowMaxMs = 0;
  doubleShare = 0;

  constructor(private readonly random: SeededRandom) {}

  delayMs(): number {
    const { random } = this;
    const usual = 0.1 + random.next() * 0.4;
    return random.chance(this.slowShare) ? usual + random.next() * this.slowMaxMs : usual;
  }

  doubles(): boolean {
    return this.doubleShare > 0 && this.random.chance(this.doubleShare);
  }
}
