/**
 * Which connections the server has room for. Each network has a bound, so that one client cannot take all places. Where
 * all places are taken, an idle connection of the network that has the most gives its place to a client that has fewer.
 */
import type { Connection } from './connection.js';

export class Places {
  private readonly networks = new Map<string, Set<Connection>>();
  private taken = 0;

  constructor(
    private readonly bounds: {
      readonly connectionsMax: number;
      readonly connectionsMaxPerAddress: number;
    },
  ) {}

  /** Null where the connection has a place now; else the bound that it is beyond. */
  take(connection: Connection, evict: (idle: Connection) => void): string | null {
    const { connectionsMax, connectionsMaxPerAddress } = this.bounds;
    const { network } = connection;
    const own = this.countOf(network);
    if (network !== null && own >= connectionsMaxPerAddress) {
      return 'Too many connections of this address are open.';
    }
    if (this.taken >= connectionsMax) {
      const idle = this.idleOfLargest(own);
      if (!idle) return 'Too many connections are open.';
      this.giveBack(idle);
      evict(idle);
    }
    this.taken += 1;
    if (network !== null) {
      const known = this.networks.get(network);
      if (known) known.add(connection);
      else this.networks.set(network, new Set([connection]));
    }
    return null;
  }

  /** Of a connection that has a place or had one. */
  giveBack(connection: Connection): void {
    const { network } = connection;
    if (network === null) {
      this.taken -= 1;
      return;
    }
    const known = this.networks.get(network);
    if (!known?.delete(connection)) return;
    this.taken -= 1;
    if (known.size === 0) this.networks.delete(network);
  }

  private countOf(network: string | null): number {
    return network === null ? 0 : (this.networks.get(network)?.size ?? 0);
  }

  /** The oldest idle connection of the network with the most, if those are more than `own`. */
  private idleOfLargest(own: number): Connection | null {
    let largest: ReadonlySet<Connection> | null = null;
    for (const each of this.networks.values()) {
      if (each.size > Math.max(own, largest?.size ?? 0)) largest = each;
    }
    for (const connection of largest ?? []) if (connection.isIdle) return connection;
    return null;
  }
}
