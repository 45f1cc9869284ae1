/** What passes between a simulated connection and the simulated Redis, and how the network between them is. */
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
  /** Whether its messages still go anywhere. */
  readonly isReachable: () => boolean;
  publish(channel: string, message: string): void;
}

/** How the network is, for each message of each process. */
export interface NetworkWeather {
  delayMs(): number;
  /** The script is carried out once more, as after a reply that was lost. */
  doubles(): boolean;
}

/** The server as a connection reaches it. */
export interface RedisServer {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly weather: NetworkWeather;
  /** Whether it takes new connections. */
  readonly accepts: boolean;
  /** When it carries out what has arrived by now. */
  readonly servesAtMs: number;
  enter(session: Session): void;
  leave(session: Session): void;
  /** @throws what Redis answers as an error. */
  serve(session: Session, request: RedisRequest): unknown;
}
