/** The messages between a simulated connection and the simulated Redis, and the delays and faults of the network. */
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedTime } from './simulated-time.js';

export type RedisRequest =
  | { readonly kind: 'command'; readonly args: readonly string[] }
  | {
      readonly kind: 'script';
      readonly name: string;
      readonly source: string;
      readonly keys: readonly string[];
      readonly args: readonly string[];
    };

/** One connection as the server sees it. */
export interface Session {
  readonly channels: Set<string>;
  /** Whether its messages are still delivered. */
  readonly isReachable: () => boolean;
  publish(channel: string, message: string): void;
}

/** The delay and the fault of each message of each process. */
export interface NetworkWeather {
  delayMs(): number;
  /** Whether the script is executed once more, as after a lost reply. */
  doubles(): boolean;
}

/** The server as a connection reaches it. */
export interface RedisServer {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly weather: NetworkWeather;
  /** Whether it takes new connections. */
  readonly accepts: boolean;
  /** When it executes commands that arrive now. */
  readonly servesAtMs: number;
  enter(session: Session): void;
  leave(session: Session): void;
  /** @throws error replies. */
  serve(session: Session, request: RedisRequest): unknown;
}
